-- CreateTable
CREATE TABLE "reconciliations" (
    "id" BIGSERIAL NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3) NOT NULL,
    "balanced" BOOLEAN NOT NULL,
    "difference_count" INTEGER NOT NULL,
    "differences" JSONB NOT NULL,
    "counts" JSONB NOT NULL,
    "stream" JSONB,

    CONSTRAINT "reconciliations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "reconciliations_balanced" CHECK ("balanced" = ("difference_count" = 0))
);

CREATE TRIGGER "reconciliations_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "reconciliations"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();
