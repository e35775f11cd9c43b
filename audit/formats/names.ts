/** How records are written for others. */
export const FORMATS = ['jsonl', 'csv', 'ocsf', 'cef'] as const;

/** One of {@link FORMATS}. */
export type AuditFormat = (typeof FORMATS)[number];
