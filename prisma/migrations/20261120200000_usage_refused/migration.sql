-- CreateTable
CREATE TABLE "usage_refused" (
    "id" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "reason" TEXT NOT NULL,
    "payload" TEXT NOT NULL,

    CONSTRAINT "usage_refused_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "usage_refused_time_idx" ON "usage_refused"("received_at");
