-- The ledger of double entry and the hourly sums; docs/adr/0011-ledger.md says why they are as they are.

-- CreateTable
CREATE TABLE "ledger_accounts" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "tenant_id" TEXT,

    CONSTRAINT "ledger_accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ledger_accounts_kind" CHECK (
        ("kind" = 'tenant' AND "tenant_id" IS NOT NULL AND "id" = 'tenant:' || "tenant_id")
        OR ("kind" = 'platform' AND "tenant_id" IS NULL)
    )
);

-- CreateTable
CREATE TABLE "ledger_transactions" (
    "id" BIGSERIAL NOT NULL,
    "kind" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ledger_transactions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ledger_transactions_kind" CHECK ("kind" IN ('usage', 'correction', 'credit'))
);

-- CreateTable
CREATE TABLE "ledger_entries" (
    "transaction_id" BIGINT NOT NULL,
    "account_id" TEXT NOT NULL,
    "amount_nano_usd" BIGINT NOT NULL,

    CONSTRAINT "ledger_entries_pkey" PRIMARY KEY ("transaction_id", "account_id"),
    CONSTRAINT "ledger_entries_amount" CHECK ("amount_nano_usd" <> 0)
);

-- CreateTable. Its rows change with every batch and their keys never do: room in each page keeps those changes off the indexes.
CREATE TABLE "usage_rollups" (
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "upstream" TEXT NOT NULL,
    "accuracy" TEXT NOT NULL,
    "requests" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "cache_read_tokens" BIGINT NOT NULL,
    "cache_write_5m_tokens" BIGINT NOT NULL,
    "cache_write_1h_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "reasoning_tokens" BIGINT NOT NULL,
    "cost_nano_usd" BIGINT NOT NULL,

    CONSTRAINT "usage_rollups_pkey" PRIMARY KEY ("tenant_id", "key_id", "hour", "model", "upstream", "accuracy")
) WITH (fillfactor = 50);

-- CreateIndex
CREATE UNIQUE INDEX "ledger_transactions_reference_key" ON "ledger_transactions"("reference");

-- CreateIndex
CREATE INDEX "ledger_entries_account_idx" ON "ledger_entries"("account_id", "transaction_id");

-- CreateIndex
CREATE INDEX "usage_rollups_tenant_hour_idx" ON "usage_rollups"("tenant_id", "hour");

-- CreateIndex
CREATE INDEX "usage_rollups_hour_idx" ON "usage_rollups"("hour");

-- AddForeignKey
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_transaction_id_fkey" FOREIGN KEY ("transaction_id") REFERENCES "ledger_transactions"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "ledger_accounts"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AlterTable. Constant defaults: a long table is not rewritten. All rows there are go into the first transaction, made below.
ALTER TABLE "usage" ADD COLUMN "revision" SMALLINT NOT NULL DEFAULT 0,
                    ADD COLUMN "ledger_transaction_id" BIGINT NOT NULL DEFAULT 1;
ALTER TABLE "usage" ALTER COLUMN "ledger_transaction_id" DROP DEFAULT;

-- CreateIndex
CREATE UNIQUE INDEX "usage_request_id_revision_key" ON "usage"("request_id", "revision");
DROP INDEX "usage_request_id_key";

-- CreateIndex. Corrections are few: this is what readers look up whether a row has been superseded in.
CREATE INDEX "usage_corrections_idx" ON "usage"("request_id", "revision") WHERE "revision" > 0;

-- The highest revision of each request: what all readers read.
CREATE VIEW "usage_current" AS
    SELECT * FROM "usage" AS "row"
     WHERE NOT EXISTS (SELECT FROM "usage" AS "later"
                        WHERE "later"."request_id" = "row"."request_id"
                          AND "later"."revision" > "row"."revision" AND "later"."revision" > 0);

-- Enforced from here on: all entries of a transaction come in one statement and add up to nothing. The SQLSTATE is one that
-- ingest does not take for a fault of an event: a posting that does not balance is a fault of ours, and is to be loud.
CREATE FUNCTION "ledger_entries_balance"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    faulty BIGINT;
BEGIN
    -- Two sessions that add to one transaction at once do so one after the other, so that the later sees the earlier.
    PERFORM FROM ledger_transactions WHERE id IN (SELECT transaction_id FROM added) ORDER BY id FOR UPDATE;
    SELECT transaction_id INTO faulty FROM added GROUP BY transaction_id HAVING sum(amount_nano_usd) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the entries of ledger transaction % do not add up to 0', faulty USING ERRCODE = 'LE001';
    END IF;
    SELECT transaction_id INTO faulty FROM added GROUP BY transaction_id
    HAVING count(*) <> (SELECT count(*) FROM ledger_entries AS entry WHERE entry.transaction_id = added.transaction_id)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % has its entries and gets no more', faulty USING ERRCODE = 'LE002';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION "ledger_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'LE003';
END $$;

CREATE TRIGGER "ledger_entries_balance" AFTER INSERT ON "ledger_entries" REFERENCING NEW TABLE AS "added"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_entries_balance"();
CREATE TRIGGER "ledger_entries_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_entries"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();
CREATE TRIGGER "ledger_transactions_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_transactions"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();
CREATE TRIGGER "ledger_accounts_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_accounts"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();
CREATE TRIGGER "usage_append_only" BEFORE UPDATE OR DELETE ON "usage"
    FOR EACH STATEMENT EXECUTE FUNCTION "ledger_append_only"();

-- What was recorded before there was a ledger: accounts, one transaction for all usage, one for each credit, the hourly sums.
INSERT INTO "ledger_accounts" ("id", "kind", "tenant_id")
SELECT 'platform:usage', 'platform', NULL
 UNION ALL SELECT 'platform:credits', 'platform', NULL
 UNION ALL SELECT 'tenant:' || tenant_id, 'tenant', tenant_id
             FROM (SELECT tenant_id FROM "usage" UNION SELECT tenant_id FROM "credit_entries") AS "known";

-- Its id is the 1 of the column's default above.
INSERT INTO "ledger_transactions" ("kind", "reference") SELECT 'usage', 'usage:before-the-ledger' WHERE EXISTS (SELECT FROM "usage");

WITH "spent" AS (SELECT tenant_id, sum(cost_nano_usd) AS cost FROM "usage" GROUP BY tenant_id)
INSERT INTO "ledger_entries" ("transaction_id", "account_id", "amount_nano_usd")
SELECT 1, 'tenant:' || tenant_id, -cost FROM "spent" WHERE cost <> 0
 UNION ALL SELECT 1, 'platform:usage', sum(cost) FROM "spent" HAVING sum(cost) <> 0;

INSERT INTO "ledger_transactions" ("kind", "reference", "recorded_at")
SELECT 'credit', 'credit:' || id, created_at FROM "credit_entries" ORDER BY id;

INSERT INTO "ledger_entries" ("transaction_id", "account_id", "amount_nano_usd")
SELECT posting.id, side.account_id, side.amount
  FROM "credit_entries" AS credit
  JOIN "ledger_transactions" AS posting ON posting.reference = 'credit:' || credit.id
 CROSS JOIN LATERAL (VALUES ('tenant:' || credit.tenant_id, credit.amount_nano_usd),
                            ('platform:credits', -credit.amount_nano_usd)) AS side (account_id, amount)
 WHERE credit.amount_nano_usd <> 0;

INSERT INTO "usage_rollups"
SELECT date_bin('1 hour', started_at, TIMESTAMPTZ '1970-01-01 00:00:00+00'), tenant_id, key_id, model, upstream, accuracy,
       count(*), sum(input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(cache_write_1h_tokens),
       sum(output_tokens), sum(reasoning_tokens), sum(cost_nano_usd)
  FROM "usage" GROUP BY 1, 2, 3, 4, 5, 6;
