import type { AuditRecord } from '../record.ts';

/** The rules, by the names that configuration, metrics and records use. */
export const RULES = [
  'denials',
  'sourceDenials',
  'tokenReplay',
  'newTool',
  'newNetwork',
  'volume',
  'unusualHour',
] as const;

/** The name of a rule. */
export type RuleName = (typeof RULES)[number];

/** More than `allowed` within `perMs` is an anomaly. */
export interface BurstRule {
  readonly allowed: number;
  readonly perMs: number;
}

/** Silent about a person who is known for less than this, or was active on less than five days. */
export interface LearnedRule {
  readonly afterMs: number;
}

/** More than `factor` times the usual of an hour of the week, and more than `minimum`, is an anomaly. */
export interface VolumeRule extends LearnedRule {
  readonly factor: number;
  readonly minimum: number;
}

/** The rules that are on; an absent one is off. */
export interface AnomalyRules {
  readonly denials?: BurstRule;
  readonly sourceDenials?: BurstRule;
  readonly tokenReplay?: BurstRule;
  readonly newTool?: LearnedRule;
  readonly newNetwork?: LearnedRule;
  readonly volume?: VolumeRule;
  readonly unusualHour?: LearnedRule;
}

/** What the detector goes by. */
export interface AnomalySettings {
  /** An IANA name: whose hours and weekdays. */
  readonly timezone: string;
  /** One alert a rule and person, or source, in this time. */
  readonly quietMs: number;
  readonly rules: AnomalyRules;
}

/** Something unusual. */
export interface Finding {
  readonly rule: RuleName;
  /** Whether it is about a person, or about an address whoever called from it. */
  readonly about: 'person' | 'source';
  /** The request that made the rule fire. */
  readonly record: AuditRecord;
  /** The figures that made it fire; names nobody. */
  readonly detail: string;
}
