-- Coarser sums than the hourly ones, for questions over long times; docs/adr/0016-coarse-rollups.md says why these.

-- CreateTable. By day (UTC), for questions about a tenant, a key or a model. In each page there is room for what changes today.
CREATE TABLE "usage_rollups_by_day" (
    "day" TIMESTAMPTZ(3) NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "upstream" TEXT NOT NULL,
    "requests" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_5m_tokens" BIGINT NOT NULL,
    "cache_write_1h_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "reasoning_tokens" BIGINT NOT NULL,
    "cost_nano_usd" BIGINT NOT NULL,

    CONSTRAINT "usage_rollups_by_day_pkey" PRIMARY KEY ("tenant_id", "day", "key_id", "model", "upstream")
) WITH (fillfactor = 80);

-- CreateTable. By day and key, for who uses how much.
CREATE TABLE "usage_rollups_by_key_day" (
    "day" TIMESTAMPTZ(3) NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "requests" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_5m_tokens" BIGINT NOT NULL,
    "cache_write_1h_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "reasoning_tokens" BIGINT NOT NULL,
    "cost_nano_usd" BIGINT NOT NULL,

    CONSTRAINT "usage_rollups_by_key_day_pkey" PRIMARY KEY ("day", "tenant_id", "key_id")
) WITH (fillfactor = 80);

-- CreateTable. By hour and model, for what the whole gateway uses.
CREATE TABLE "usage_rollups_by_model_hour" (
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "model" TEXT NOT NULL,
    "upstream" TEXT NOT NULL,
    "requests" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_5m_tokens" BIGINT NOT NULL,
    "cache_write_1h_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "reasoning_tokens" BIGINT NOT NULL,
    "cost_nano_usd" BIGINT NOT NULL,

    CONSTRAINT "usage_rollups_by_model_hour_pkey" PRIMARY KEY ("hour", "model", "upstream")
) WITH (fillfactor = 80);

-- CreateIndex
CREATE INDEX "usage_rollups_by_day_key_idx" ON "usage_rollups_by_day"("key_id", "day");

-- CreateIndex
CREATE INDEX "usage_rollups_by_day_day_idx" ON "usage_rollups_by_day"("day");

-- One transaction at a time moves sums, from its first rollup to its end. All callers share the sums by model and hour, and a
-- statement that inserts some rollups and updates others moves those twice: no order keeps two such from waiting in a circle.
CREATE FUNCTION "usage_rollups_in_turn"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(72707371);
    RETURN NULL;
END $$;

CREATE TRIGGER "usage_rollups_in_turn" BEFORE INSERT OR UPDATE OR DELETE ON "usage_rollups"
    FOR EACH STATEMENT EXECUTE FUNCTION "usage_rollups_in_turn"();

-- Whoever changes hourly sums changes these, in the same statement and by the difference. One function for each operation, as
-- each sees other rows of the statement.
DO $make$
DECLARE
    amounts TEXT[] := ARRAY['requests', 'input_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens',
                            'output_tokens', 'reasoning_tokens', 'cost_nano_usd'];
    names TEXT := array_to_string(amounts, ', ');
    signed TEXT := (SELECT string_agg(format('sum(sign * %1$s)::bigint AS %1$s', amount), ', ') FROM unnest(amounts) AS amount);
    summed TEXT := (SELECT string_agg(format('sum(%1$s)::bigint', amount), ', ') FROM unnest(amounts) AS amount);
    raised TEXT := (SELECT string_agg(format('%1$s = rollup.%1$s + excluded.%1$s', amount), ', ') FROM unnest(amounts) AS amount);
    added TEXT := 'SELECT 1 AS sign, * FROM added';
    removed TEXT := 'SELECT -1 AS sign, * FROM removed';
    rolled TEXT := '';
    level RECORD;
    operation RECORD;
BEGIN
    FOR level IN SELECT * FROM (VALUES ('usage_rollups_by_day', 'tenant_id, day, key_id, model, upstream'),
                                       ('usage_rollups_by_key_day', 'day, tenant_id, key_id'),
                                       ('usage_rollups_by_model_hour', 'hour, model, upstream')) AS levels (name, dimensions)
    LOOP
        rolled := rolled || format(
            ', into_%1$s AS (INSERT INTO %1$s AS rollup (%2$s, %3$s) SELECT %2$s, %4$s FROM changes GROUP BY %2$s ORDER BY %2$s
                             ON CONFLICT (%2$s) DO UPDATE SET %5$s)', level.name, level.dimensions, names, summed, raised);
    END LOOP;
    FOR operation IN SELECT * FROM (VALUES ('insert', added, 'NEW TABLE AS added'), ('delete', removed, 'OLD TABLE AS removed'),
                                           ('update', added || ' UNION ALL ' || removed, 'OLD TABLE AS removed NEW TABLE AS added')
                                   ) AS operations (name, changes, tables)
    LOOP
        EXECUTE format($function$
            CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
            DECLARE
                ignored BIGINT;
            BEGIN
                WITH changes AS MATERIALIZED (
                    SELECT date_bin('1 day', hour, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS day, hour, tenant_id, key_id, model,
                           upstream, %2$s
                      FROM (%3$s) AS signed GROUP BY 1, 2, 3, 4, 5, 6)%4$s
                SELECT count(*) INTO ignored FROM changes;
                RETURN NULL;
            END $body$ $function$, 'usage_rollups_' || operation.name, signed, operation.changes, rolled);
        EXECUTE format('CREATE TRIGGER "usage_rollups_coarser_%1$s" AFTER %1$s ON "usage_rollups" REFERENCING %2$s
                            FOR EACH STATEMENT EXECUTE FUNCTION %3$I()',
                       operation.name, operation.tables, 'usage_rollups_' || operation.name);
    END LOOP;
END $make$;

-- What is there already.
INSERT INTO "usage_rollups_by_day"
SELECT date_bin('1 day', hour, TIMESTAMPTZ '1970-01-01 00:00:00+00'), tenant_id, key_id, model, upstream, sum(requests),
       sum(input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(cache_write_1h_tokens), sum(output_tokens),
       sum(reasoning_tokens), sum(cost_nano_usd)
  FROM "usage_rollups" GROUP BY 1, 2, 3, 4, 5;

INSERT INTO "usage_rollups_by_key_day"
SELECT day, tenant_id, key_id, sum(requests), sum(input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens),
       sum(cache_write_1h_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cost_nano_usd)
  FROM "usage_rollups_by_day" GROUP BY 1, 2, 3;

INSERT INTO "usage_rollups_by_model_hour"
SELECT hour, model, upstream, sum(requests), sum(input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens),
       sum(cache_write_1h_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cost_nano_usd)
  FROM "usage_rollups" GROUP BY 1, 2, 3;
