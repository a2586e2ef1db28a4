-- AlterTable: what a person decided about it, and how often it was refused.
ALTER TABLE "usage_refused" ADD COLUMN "refusals" INTEGER NOT NULL DEFAULT 1,
                            ADD COLUMN "replayed_at" TIMESTAMPTZ(3),
                            ADD COLUMN "dismissed_at" TIMESTAMPTZ(3);

-- CreateIndex. It is counted every few seconds, and nearly always has nothing in it.
CREATE INDEX "usage_refused_waiting_idx" ON "usage_refused"("received_at") WHERE "replayed_at" IS NULL AND "dismissed_at" IS NULL;
