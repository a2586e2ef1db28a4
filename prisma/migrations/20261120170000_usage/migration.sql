-- CreateTable
CREATE TABLE "usage" (
    "id" BIGSERIAL NOT NULL,
    "request_id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "requested_model" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "upstream" TEXT NOT NULL,
    "client_dialect" TEXT NOT NULL,
    "upstream_dialect" TEXT NOT NULL,
    "stream" BOOLEAN NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_5m_tokens" BIGINT NOT NULL,
    "cache_write_1h_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "reasoning_tokens" BIGINT NOT NULL,
    "cost_nano_usd" BIGINT NOT NULL,
    "accuracy" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "first_token_ms" INTEGER,
    "latency_ms" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL,
    "finish" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "losses" JSONB NOT NULL DEFAULT '[]',
    "end_user" TEXT,
    "client_request_id" TEXT,

    CONSTRAINT "usage_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "usage_request_id_key" ON "usage"("request_id");

-- CreateIndex
CREATE INDEX "usage_tenant_time_idx" ON "usage"("tenant_id", "started_at");

-- CreateIndex
CREATE INDEX "usage_key_time_idx" ON "usage"("key_id", "started_at");

-- CreateIndex
CREATE INDEX "usage_time_idx" ON "usage"("started_at");
