import type { Express } from 'express';
import type { ReloadResult } from '../reload.ts';
import { refuseMethod, sendProblem } from './problem.ts';
import { requireJson } from './require-json.ts';

/** What `POST /reload` needs. */
export interface ReloadDeps {
  readonly reload: () => Promise<ReloadResult>;
}

/**
 * Adds `POST /reload`, which answers once the new configuration is in effect, or refused.
 *
 * @param app the management listener's application
 * @param deps who reloads
 */
export function mountReload(app: Express, deps: ReloadDeps): void {
  app.post('/reload', requireJson, async (_request, response) => {
    const result = await deps.reload();
    if (result.kind === 'reloaded') {
      response.json({ hash: result.hash, changed: result.changed });
      return;
    }
    const detail = 'Nothing changed. Correct the faults; the file is read again when it changes.';
    const title = 'The configuration was not reloaded';
    sendProblem(response, 422, 'reload_failed', detail, { title, faults: result.faults });
  });
  app.all('/reload', (_request, response) => {
    refuseMethod(response, ['POST']);
  });
}
