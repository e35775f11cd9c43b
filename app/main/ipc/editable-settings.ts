import type { EditableKey, SettingForm } from './contract.ts';

/** A form without its value. */
type FormOf<F> = F extends SettingForm ? Omit<F, 'value'> : never;

/** How one setting may be changed in the window. */
export interface Editable {
  /** What it may be, after "must be". */
  readonly allowed: string;
  readonly form: FormOf<SettingForm>;
}

/** The settings that a person can change without harm, and what each may be. */
export const editable: Readonly<Record<EditableKey, Editable>> = {
  port: {
    allowed: 'a whole number from 0 to 65535, where 0 takes any free port',
    form: { kind: 'number', min: 0, max: 65_535 },
  },
  'signIn.auto': { allowed: 'on or off', form: { kind: 'switch' } },
  'signIn.waitSeconds': {
    allowed: 'a number of seconds from 0 to 600',
    form: { kind: 'number', min: 0, max: 600 },
  },
  'guard.requireToolKeys': { allowed: 'on or off', form: { kind: 'switch' } },
  'guard.allowedOrigins': {
    allowed: 'at most 100 origins such as https://tools.example.com, without a path',
    form: { kind: 'list' },
  },
  'tokens.store': {
    allowed: 'sealed or memory',
    form: { kind: 'choice', choices: ['sealed', 'memory'] },
  },
  'network.proxy': {
    allowed: 'direct, http://host:port, https://host:port or pac+https://host/file',
    form: { kind: 'text' },
  },
  'log.level': {
    allowed: 'error, warn, info or debug',
    form: { kind: 'choice', choices: ['error', 'warn', 'info', 'debug'] },
  },
};
