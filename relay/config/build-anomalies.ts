import type { BurstRule, LearnedRule } from '../../audit/anomalies/rules.ts';
import { present, secretOf, type SecretContents } from './build-parts.ts';
import type { AnomalyConfig } from './config.ts';
import type { RelayFile } from './schema.ts';

type Block = Exclude<RelayFile['anomalies'], 'off'>;

function burstOf(rule: Block['denials']): BurstRule | undefined {
  return rule === 'off' ? undefined : { allowed: rule.allowed, perMs: rule.per };
}

function learnedOf(rule: Block['newTool']): LearnedRule | undefined {
  return rule === 'off' ? undefined : { afterMs: rule.after };
}

function volumeOf(rule: Block['volume']) {
  if (rule === 'off') return undefined;
  return { factor: rule.factor, minimum: rule.minimum, afterMs: rule.after };
}

function webhookOf(webhook: Block['webhook'], secrets: SecretContents): AnomalyConfig['webhook'] {
  if (webhook === undefined) return undefined;
  const ca = webhook.caFile === undefined ? undefined : secretOf(secrets, webhook.caFile);
  return {
    url: webhook.url,
    secret: secretOf(secrets, webhook.secretFile),
    tls: present({ ca }),
    timeoutMs: webhook.timeout,
  };
}

/**
 * Makes the anomaly rules out of a file without faults.
 *
 * @param file the `anomalies` block
 * @param secrets what its files hold
 * @returns the configuration; `undefined` when it is off
 */
export function anomaliesOf(
  file: RelayFile['anomalies'],
  secrets: SecretContents,
): AnomalyConfig | undefined {
  if (file === 'off') return undefined;
  return {
    timezone: file.timezone,
    quietMs: file.quiet,
    rules: present({
      denials: burstOf(file.denials),
      sourceDenials: burstOf(file.sourceDenials),
      tokenReplay: burstOf(file.tokenReplay),
      newTool: learnedOf(file.newTool),
      newNetwork: learnedOf(file.newNetwork),
      volume: volumeOf(file.volume),
      unusualHour: learnedOf(file.unusualHour),
    }),
    ...present({ webhook: webhookOf(file.webhook, secrets) }),
  };
}
