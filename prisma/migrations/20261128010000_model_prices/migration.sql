-- CreateTable
CREATE TABLE "model_prices" (
    "id" BIGSERIAL NOT NULL,
    "model_id" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "effective_from" TIMESTAMPTZ(3) NOT NULL,
    "prices" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,

    CONSTRAINT "model_prices_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "model_prices_model_id_version_key" ON "model_prices"("model_id", "version");

-- Calls were billed by it: a version never changes, and outlives its model.
CREATE TRIGGER "model_prices_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "model_prices"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();

-- The prices that models have become their first versions.
INSERT INTO "model_prices" ("model_id", "version", "effective_from", "prices", "actor")
SELECT id, 'v1', updated_at, spec->'pricing', 'migration' FROM "models" ORDER BY id;

UPDATE "models" SET "spec" = jsonb_set(spec, '{pricing}', jsonb_build_array(jsonb_build_object(
    'version', 'v1', 'effectiveFromMs', floor(extract(epoch FROM updated_at) * 1000)::bigint, 'prices', spec->'pricing')));

-- AlterTable
ALTER TABLE "usage" ADD COLUMN "price_version" TEXT;
ALTER TABLE "usage" ADD COLUMN "client_metadata" JSONB;

-- The view has the columns that the table had.
CREATE OR REPLACE VIEW "usage_current" AS
    SELECT * FROM "usage" AS "row"
     WHERE NOT EXISTS (SELECT FROM "usage" AS "later"
                        WHERE "later"."request_id" = "row"."request_id"
                          AND "later"."revision" > "row"."revision" AND "later"."revision" > 0);
