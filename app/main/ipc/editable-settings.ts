import { keys } from '../agent/settings/schema.ts';
import type { EditableKey, SettingForm } from './setting-views.ts';

/** A form without its value. */
type FormOf<F> = F extends SettingForm ? Omit<F, 'value'> : never;

/** How one setting may be changed in the window. */
export interface Editable {
  readonly form: FormOf<SettingForm>;
  /** Whether the local port starts again with a new value. */
  readonly restarts: boolean;
}

const onOrOff: Editable = { form: { kind: 'switch' }, restarts: true };

/** The settings that a person can change without harm. */
export const editable: Readonly<Record<EditableKey, Editable>> = {
  port: { form: { kind: 'number', min: 0, max: 65_535 }, restarts: true },
  'signIn.auto': onOrOff,
  'signIn.waitSeconds': { form: { kind: 'number', min: 0, max: 600 }, restarts: true },
  'guard.requireToolKeys': onOrOff,
  'guard.allowedOrigins': { form: { kind: 'list' }, restarts: true },
  'tokens.store': { form: { kind: 'choice', choices: ['sealed', 'memory'] }, restarts: true },
  'network.proxy': { form: { kind: 'text' }, restarts: true },
  'log.level': {
    form: { kind: 'choice', choices: ['error', 'warn', 'info', 'debug'] },
    restarts: true,
  },
  launchAtLogin: { ...onOrOff, restarts: false },
};

/**
 * Says what a setting may be, for who changes it in the window.
 *
 * @param key the setting
 * @returns words after "must be"
 */
export function allowedWords(key: EditableKey): string {
  return editable[key].form.kind === 'switch' ? 'on or off' : keys[key].allowed;
}
