-- Usage by month; docs/adr/0013-usage-partitions.md says why the partitions are as they are.

-- The id of the first request of a day: `req_` and the milliseconds a UUIDv7 begins with.
CREATE FUNCTION "usage_first_id"("day" DATE) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT 'req_' || lpad(to_hex((extract(epoch FROM "day") * 1000)::bigint), 12, '0')
$$;

-- What retention dropped, and what its rows explained of the ledger.

-- CreateTable
CREATE TABLE "usage_dropped_partitions" (
    "name" TEXT NOT NULL,
    "from_id" TEXT COLLATE "C" NOT NULL,
    "to_id" TEXT COLLATE "C" NOT NULL,
    "rows" BIGINT NOT NULL,
    "whole_from" TIMESTAMPTZ(3),
    "dropped_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "usage_dropped_partitions_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "usage_dropped" (
    "partition" TEXT NOT NULL,
    "ledger_transaction_id" BIGINT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "rows" BIGINT NOT NULL,
    "cost_nano_usd" BIGINT NOT NULL,

    CONSTRAINT "usage_dropped_pkey" PRIMARY KEY ("partition", "ledger_transaction_id", "tenant_id")
);

CREATE TRIGGER "usage_dropped_partitions_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "usage_dropped_partitions"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();
CREATE TRIGGER "usage_dropped_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "usage_dropped"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();

-- The table there is becomes a partition. Its rows stay where they are; the indexes that hold request ids are built anew, as
-- ids are compared byte by byte from here on, whatever the database's locale.
DROP VIEW "usage_current";
DROP TRIGGER "usage_append_only" ON "usage";
ALTER TABLE "usage" RENAME TO "usage_former";
ALTER TABLE "usage_former" ALTER COLUMN "request_id" TYPE TEXT COLLATE "C";
ALTER TABLE "usage_former" DROP CONSTRAINT "usage_pkey";
ALTER TABLE "usage_former" ADD CONSTRAINT "usage_former_pkey" PRIMARY KEY USING INDEX "usage_request_id_revision_key";
ALTER INDEX "usage_tenant_time_idx" RENAME TO "usage_former_tenant_time_idx";
ALTER INDEX "usage_key_time_idx" RENAME TO "usage_former_key_time_idx";
ALTER INDEX "usage_time_idx" RENAME TO "usage_former_time_idx";
ALTER INDEX "usage_corrections_idx" RENAME TO "usage_former_corrections_idx";

-- CreateTable
CREATE TABLE "usage" (LIKE "usage_former" INCLUDING DEFAULTS, CONSTRAINT "usage_pkey" PRIMARY KEY ("request_id", "revision"))
    PARTITION BY RANGE ("request_id");
ALTER SEQUENCE "usage_id_seq" OWNED BY "usage"."id";

-- CreateIndex
CREATE INDEX "usage_id_idx" ON "usage"("id");
CREATE INDEX "usage_tenant_time_idx" ON "usage"("tenant_id", "started_at");
CREATE INDEX "usage_key_time_idx" ON "usage"("key_id", "started_at");
CREATE INDEX "usage_time_idx" ON "usage"("started_at");
CREATE INDEX "usage_corrections_idx" ON "usage"("request_id", "revision") WHERE "revision" > 0;

-- By row, as every partition gets it, today's and later ones; statements are no partition's own.
CREATE TRIGGER "usage_append_only" BEFORE UPDATE OR DELETE ON "usage"
    FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
CREATE TRIGGER "usage_not_truncated" BEFORE TRUNCATE ON "usage"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();

-- All partitions with the ids they hold, `to_id` excluded; without bounds the default partition.
CREATE VIEW "usage_partitions" AS
    SELECT "partition"."relname"::text AS "name", "bound"[1] COLLATE "C" AS "from_id", "bound"[2] COLLATE "C" AS "to_id"
      FROM pg_inherits
      JOIN pg_class AS "partition" ON "partition"."oid" = "inhrelid"
     CROSS JOIN LATERAL regexp_match(pg_get_expr("relpartbound", "inhrelid"), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS "bound"
     WHERE "inhparent" = '"usage"'::regclass;

-- Makes the partition of the month that begins with this day. 'added'; 'there' when its ids have one; 'in default' when the
-- default partition holds some of them, where they stay. It is made on its own and then attached: that holds up nobody but
-- who is at the default partition, for as long as it takes to look through that.
CREATE FUNCTION "usage_add_month"("month" DATE) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
    name TEXT := 'usage_' || to_char(month, 'YYYY_MM');
    first_id TEXT COLLATE "C" := usage_first_id(month);
    next_id TEXT COLLATE "C" := usage_first_id((month + interval '1 month')::date);
BEGIN
    IF EXISTS (SELECT FROM usage_partitions WHERE from_id < next_id AND to_id > first_id) THEN
        RETURN 'there';
    END IF;
    IF EXISTS (SELECT FROM usage_default WHERE request_id >= first_id AND request_id < next_id) THEN
        RETURN 'in default';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE usage INCLUDING DEFAULTS INCLUDING INDEXES)', name);
    EXECUTE format('CREATE TRIGGER usage_not_truncated BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()', name);
    EXECUTE format('ALTER TABLE usage ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first_id, next_id);
    RETURN 'added';
END $$;

-- The former table is what came before the next month, if all of it did and has ids that tell; else, or if there is nothing
-- in it, the default partition.
DO $$
DECLARE
    first_id TEXT COLLATE "C" := usage_first_id('1970-01-01');
    next_id TEXT COLLATE "C" := usage_first_id((date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month')::date);
    name TEXT := 'usage_default';
    part TEXT;
BEGIN
    IF EXISTS (SELECT FROM usage_former)
       AND NOT EXISTS (SELECT FROM usage_former WHERE request_id < first_id OR request_id >= next_id) THEN
        name := 'usage_before_months';
        EXECUTE 'CREATE TABLE usage_default PARTITION OF usage DEFAULT';
    END IF;
    EXECUTE format('ALTER TABLE usage_former RENAME TO %I', name);
    FOREACH part IN ARRAY ARRAY['pkey', 'tenant_time_idx', 'key_time_idx', 'time_idx', 'corrections_idx'] LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', 'usage_former_' || part, name || '_' || part);
    END LOOP;
    IF name = 'usage_default' THEN
        EXECUTE 'ALTER TABLE usage ATTACH PARTITION usage_default DEFAULT';
    ELSE
        EXECUTE format('CREATE TRIGGER usage_not_truncated BEFORE TRUNCATE ON %I
                            FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()', name);
        EXECUTE format('ALTER TABLE usage ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first_id, next_id);
    END IF;
END $$;

-- What has no partition of its own comes here; ids of a dropped partition would, and may have been billed already. A snapshot
-- of its own for each row: it sees the drop that an insert had to wait for. The SQLSTATE is that of a fault of the event.
CREATE FUNCTION "usage_refuse_dropped"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM usage_dropped_partitions WHERE from_id <= NEW.request_id AND NEW.request_id < to_id) THEN
        RAISE EXCEPTION 'older than the usage that is kept: it may have been billed before'
            USING ERRCODE = 'check_violation', TABLE = 'usage';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER "usage_refuse_dropped" BEFORE INSERT ON "usage_default"
    FOR EACH ROW EXECUTE FUNCTION "usage_refuse_dropped"();
CREATE TRIGGER "usage_not_truncated" BEFORE TRUNCATE ON "usage_default"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();

SELECT "usage_add_month"((date_trunc('month', now() AT TIME ZONE 'UTC') + "ahead" * interval '1 month')::date)
  FROM generate_series(0, 3) AS "ahead";

-- The highest revision of each request: what all readers read.
CREATE VIEW "usage_current" AS
    SELECT * FROM "usage" AS "row"
     WHERE NOT EXISTS (SELECT FROM "usage" AS "later"
                        WHERE "later"."request_id" = "row"."request_id"
                          AND "later"."revision" > "row"."revision" AND "later"."revision" > 0);
