/** What can be exported: billed calls, logged calls (without their prompts), or the changes made over the admin API. */
export const EXPORT_KINDS = ['usage', 'calls', 'audit'] as const;
export type ExportKind = (typeof EXPORT_KINDS)[number];

export const EXPORT_FORMATS = ['csv', 'jsonl'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_STATES = ['queued', 'running', 'done', 'failed'] as const;
export type ExportState = (typeof EXPORT_STATES)[number];

/** How long an export is kept once it is made. */
export const EXPORT_KEPT_MS = 24 * 3_600_000;

/** What of an export is in it, besides its tenant; as it is stored. Every given field must match. */
export interface ExportFilter {
  keyId?: string;
  /** Catalog id. */
  model?: string;
  fromMs: number;
  toMs: number;
}
