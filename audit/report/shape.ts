import type { UnusualBecause } from '../usual-hours.ts';

/** Somebody as the audit names them. An erased person has a pseudonym in place of `user`. */
export interface PersonName {
  readonly issuer?: string;
  readonly user: string;
  readonly userName?: string;
}

/** What is counted of people, APIs and tools alike. */
export interface Figures {
  readonly requests: number;
  readonly allowed: number;
  /** Refused by policy, or later for a reason that lies with the caller (status below 500). */
  readonly denied: number;
  /** Answers of 500 and above to what was let through. */
  readonly errors: number;
  /** Of the answers to what was let through, 0 to 1. */
  readonly errorRate: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Requests whose end nobody saw: a crash. */
  readonly interrupted: number;
}

/** Half, and nineteen of twenty, took no longer. Of allowed requests; within 1.6 %. */
export interface Durations {
  readonly p50: number;
  readonly p95: number;
}

/** One person's part. */
export interface PersonReport extends PersonName, Figures {
  readonly signIns: number;
  /** Requests that such a period would have by the person's own averages; null without enough history. */
  readonly usual: number | null;
  readonly apis: readonly { readonly api: string; readonly requests: number }[];
  readonly tools: readonly { readonly tool: string; readonly requests: number }[];
}

/** One API's part. */
export interface ApiReport extends Figures {
  readonly api: string;
  readonly people: number;
  readonly durationMs: Durations | null;
}

/** One tool's part. */
export interface ToolReport extends Figures {
  readonly tool: string;
  readonly people: number;
}

/** One reason for refusals. */
export interface DenialReport {
  readonly code: string;
  readonly count: number;
  readonly people: readonly (PersonName & {
    readonly api: string | null;
    readonly count: number;
  })[];
  /** Addresses of callers that nobody recognised; `others` where there are too many. */
  readonly sources: readonly { readonly ip: string; readonly count: number }[];
}

/** One anomaly that the relay found. */
export interface AnomalyReport {
  readonly at: string;
  readonly rule: string;
  readonly person?: PersonName;
  readonly ip?: string;
  readonly detail: string;
}

/** What `audit report --json` prints. Members are added, never changed, within a version. */
export interface Report {
  readonly version: 1;
  readonly sides: readonly ('app' | 'relay')[];
  readonly period: {
    readonly since: string;
    readonly until: string;
    readonly timezone: string;
  };
  /** What people's pasts are taken from: the time before the period. */
  readonly history: { readonly since: string; readonly days: number };
  readonly filter: { readonly user?: string; readonly api?: string };
  readonly totals: Figures & {
    readonly people: number;
    /** Requests of callers that nobody recognised. */
    readonly unidentified: number;
    readonly signIns: number;
    readonly signOuts: number;
    readonly durationMs: Durations | null;
  };
  readonly people: readonly PersonReport[];
  readonly apis: readonly ApiReport[];
  readonly tools: readonly ToolReport[];
  readonly denials: readonly DenialReport[];
  readonly firstUses: readonly (PersonName & { readonly at: string; readonly api: string })[];
  readonly unusualHours: readonly (PersonName & {
    /** The first request in that hour of the week. */
    readonly at: string;
    /** Such as `Sun 03:00`, in the period's time zone. */
    readonly hour: string;
    readonly requests: number;
    readonly because: UnusualBecause;
  })[];
  readonly anomalies: {
    readonly byRule: readonly { readonly rule: string; readonly count: number }[];
    /** The newest, at most 100. */
    readonly newest: readonly AnomalyReport[];
  };
}
