-- Stored responses; docs/adr/0018-stored-responses.md says why they are as they are.

-- CreateTable. What a response holds is sealed by the edge, compressed before that, and kept in parts as it came.
CREATE TABLE "stored_responses" (
    "tenant_id" TEXT NOT NULL,
    "response_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),
    "parts" INTEGER NOT NULL,
    "item_ids" TEXT[] NOT NULL,

    CONSTRAINT "stored_responses_pkey" PRIMARY KEY ("tenant_id", "response_id")
);

-- CreateTable
CREATE TABLE "stored_response_parts" (
    "tenant_id" TEXT NOT NULL,
    "response_id" TEXT NOT NULL,
    "part" INTEGER NOT NULL,
    "sealed" BYTEA NOT NULL,

    CONSTRAINT "stored_response_parts_pkey" PRIMARY KEY ("tenant_id", "response_id", "part"),
    CONSTRAINT "stored_response_parts_response_fkey" FOREIGN KEY ("tenant_id", "response_id")
        REFERENCES "stored_responses"("tenant_id", "response_id") ON DELETE CASCADE ON UPDATE RESTRICT
);

-- Ciphertext does not get smaller: trying costs each write for nothing.
ALTER TABLE "stored_response_parts" ALTER COLUMN "sealed" SET STORAGE EXTERNAL;

-- CreateIndex
CREATE INDEX "stored_responses_expiry_idx" ON "stored_responses"("expires_at");

-- CreateIndex
CREATE INDEX "stored_responses_items_idx" ON "stored_responses" USING GIN ("item_ids");
