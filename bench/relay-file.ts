import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the relay under test serves the origin. */
export const API_PATH = '/bench';

/** What differs between the relays that are measured. */
export interface RelayFile {
  readonly listen: string;
  readonly publicUrl?: string;
  readonly issuer: string;
  readonly audience: string;
  readonly upstream: string;
  readonly isAuditRequired: boolean;
}

/**
 * Writes a relay.yaml: one issuer, one API, a rule that asks for a scope.
 *
 * @param dir the folder for it and its audit
 * @param options what differs
 * @returns the file's path
 */
export async function writeRelayFile(dir: string, options: RelayFile): Promise<string> {
  const file = join(dir, 'relay.yaml');
  const publicUrl = options.publicUrl === undefined ? '' : `publicUrl: '${options.publicUrl}'\n`;
  await writeFile(
    file,
    `listen: '${options.listen}'
${publicUrl}issuers:
  - issuer: '${options.issuer}'
    audience: ['${options.audience}']
    algorithms: [RS256]
    desktop: { clientId: latchkey-desktop, scopes: [openid, offline_access, billing.read] }
apis:
  bench:
    path: ${API_PATH}
    upstream: ['${options.upstream}']
    rules:
      - name: use
        allow: { methods: [GET, PUT], paths: ['/**'], scopes: [billing.read] }
    limits: { body: 1GB }
    audit: { required: ${String(options.isAuditRequired)} }
audit: { dir: ./audit }
`,
  );
  return file;
}
