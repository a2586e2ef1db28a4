-- The call log; docs/adr/0015-call-log.md says why it is as it is.

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN "call_log_retention_days" INTEGER
    CONSTRAINT "tenants_call_log_retention_days" CHECK ("call_log_retention_days" > 0);

-- CreateTable. Request ids begin with their time, so that a month is a range of them, and each is unique across all months.
CREATE TABLE "call_log" (
    "request_id" TEXT COLLATE "C" NOT NULL,
    "client_request_id" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "client_dialect" TEXT NOT NULL,
    "requested_model" TEXT,
    "model" TEXT,
    "upstream" TEXT,
    "stream" BOOLEAN,
    "status" INTEGER NOT NULL,
    "outcome" TEXT NOT NULL,
    "input_tokens" BIGINT,
    "cache_read_tokens" BIGINT,
    "cache_write_5m_tokens" BIGINT,
    "cache_write_1h_tokens" BIGINT,
    "output_tokens" BIGINT,
    "reasoning_tokens" BIGINT,
    "cost_nano_usd" BIGINT,
    "accuracy" TEXT,
    "latency_ms" INTEGER NOT NULL,
    "first_token_ms" INTEGER,
    "attempts" INTEGER NOT NULL,
    "ip" TEXT NOT NULL,
    "user_agent" TEXT,
    "prompt" TEXT,
    "prompt_truncated" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "call_log_pkey" PRIMARY KEY ("request_id")
) PARTITION BY RANGE ("request_id");

-- CreateIndex
CREATE INDEX "call_log_tenant_time_idx" ON "call_log"("tenant_id", "at", "request_id");

-- CreateIndex
CREATE INDEX "call_log_key_time_idx" ON "call_log"("key_id", "at", "request_id");

-- CreateIndex
CREATE INDEX "call_log_time_idx" ON "call_log"("at", "request_id");

-- Row by row: a trigger of statements would not see those that name a partition. Only `call_log_expire` and
-- `call_log_add_month` take rows out, and say so by this setting.
CREATE FUNCTION "call_log_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('switchboard.call_log', true) = 'takes-out' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'CL001';
END $$;

CREATE TRIGGER "call_log_append_only" BEFORE UPDATE OR DELETE ON "call_log"
    FOR EACH ROW EXECUTE FUNCTION "call_log_append_only"();
CREATE TRIGGER "call_log_no_truncate" BEFORE TRUNCATE ON "call_log"
    FOR EACH STATEMENT EXECUTE FUNCTION "call_log_append_only"();

-- What has an id of another form, or of a month that has no partition yet.
CREATE TABLE "call_log_default" PARTITION OF "call_log" DEFAULT;
CREATE TRIGGER "call_log_no_truncate" BEFORE TRUNCATE ON "call_log_default"
    FOR EACH STATEMENT EXECUTE FUNCTION "call_log_append_only"();

-- The least request id of a day, in UTC: `req_` and the milliseconds that a UUIDv7 begins with.
CREATE FUNCTION "call_log_first_id"("day" DATE) RETURNS TEXT IMMUTABLE LANGUAGE sql
    RETURN 'req_' || lpad(to_hex((extract(epoch FROM "day"::timestamp) * 1000)::bigint), 12, '0');

-- Makes the partition of the month of a day, with what came for it before; false: it was there.
CREATE FUNCTION "call_log_add_month"("day" DATE) RETURNS boolean LANGUAGE plpgsql
    SET "switchboard.call_log" = 'takes-out' AS $$
DECLARE
    "begins" DATE := date_trunc('month', "day"::timestamp)::date;
    "name" TEXT := 'call_log_' || to_char("begins", 'YYYY_MM');
    "lower" TEXT := call_log_first_id("begins");
    "upper" TEXT := call_log_first_id(("begins" + interval '1 month')::date);
BEGIN
    IF to_regclass("name") IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE "call_log_default" IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE call_log INCLUDING ALL)', "name");
    EXECUTE format(
        'WITH taken AS (DELETE FROM call_log_default WHERE request_id >= $1 AND request_id < $2 RETURNING *)
         INSERT INTO %I SELECT * FROM taken', "name") USING "lower", "upper";
    EXECUTE format('ALTER TABLE call_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', "name", "lower", "upper");
    EXECUTE format('CREATE TRIGGER call_log_no_truncate BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION call_log_append_only()', "name");
    RETURN true;
END $$;

-- Takes out the oldest calls of a tenant that are older than so many days, `most` at once; answers how many.
CREATE FUNCTION "call_log_expire"("tenant" TEXT, "days" INTEGER, "most" INTEGER) RETURNS INTEGER LANGUAGE plpgsql
    SET "switchboard.call_log" = 'takes-out' AS $$
DECLARE
    "count" INTEGER;
BEGIN
    IF "days" < 1 THEN
        RAISE EXCEPTION 'calls are kept for a day at least' USING ERRCODE = 'CL002';
    END IF;
    DELETE FROM "call_log" WHERE "request_id" IN (
        SELECT "request_id" FROM "call_log" AS "expired"
         WHERE "expired"."tenant_id" = "tenant" AND "expired"."at" < now() - make_interval(days => "days")
         ORDER BY "expired"."at", "expired"."request_id" LIMIT "most");
    GET DIAGNOSTICS "count" = ROW_COUNT;
    RETURN "count";
END $$;

SELECT call_log_add_month(((now() AT TIME ZONE 'UTC') + make_interval(months => "month"))::date) FROM generate_series(0, 2) AS "month";
