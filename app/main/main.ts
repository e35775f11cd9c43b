import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { createAgentHost } from './agent-host.ts';
import { createAgent } from './agent/agent.ts';
import { createAnnouncer } from './agent/announce.ts';
import { AgentError } from './agent/errors.ts';
import { PERSON_GRACE_MS, SIGNAL_GRACE_MS, type Grace } from './agent/grace.ts';
import { createLog } from './agent/log.ts';
import { dataDir as defaultDataDir } from './agent/settings/data-dir.ts';
import { loadSettings, saveSettings } from './agent/settings/settings.ts';
import type { AgentSnapshot } from './agent/status.ts';
import { openBrowser, openHelp } from './electron/browser.ts';
import { answerCalls } from './electron/calls.ts';
import { copyText } from './electron/clipboard.ts';
import {
  claimInstance,
  electronReady,
  failToStart,
  followLifecycle,
  leave,
  type Quit,
} from './electron/lifecycle.ts';
import { notify } from './electron/notify.ts';
import { resolveSystemProxy } from './electron/system-proxy.ts';
import { pageOrigin } from './electron/page.ts';
import { openedAtLogin, systemAutostart } from './electron/system-autostart.ts';
import { createTray } from './electron/tray.ts';
import { createVault } from './electron/vault.ts';
import { createMainWindow } from './electron/window.ts';
import type { Finding } from './doctor/check.ts';
import { checkedProfile } from './doctor/checked-profile.ts';
import { diagnose } from './doctor/diagnose.ts';
import { changeSetting } from './ipc/change-setting.ts';
import type { EditableKey, SettingInput } from './ipc/setting-views.ts';
import { editable } from './ipc/editable-settings.ts';
import { createHandlers } from './ipc/handlers.ts';
import { activityView, snapshotView } from './ipc/view.ts';
import { askWords, managerWords } from './manager-words.ts';
import { createStartAtLogin } from './start-at-login.ts';
import { readStartOptions } from './start-options.ts';
import { trayActions } from './tray-actions.ts';
import { createVaults, tokenStore } from './vaults.ts';

/** The bundle lies in dist/main, the page and the preload script beside it. */
const built = join(__dirname, '..');

async function main(): Promise<void> {
  const options = readStartOptions(process.argv.slice(1));
  const dataDir = options.dataDir ?? defaultDataDir(process.env, process.platform);
  const log = createLog({ level: 'info' });
  if (!claimInstance(dataDir, options.hidden)) return leave();
  await electronReady();

  const window = createMainWindow({
    pageDir: join(built, 'renderer'),
    preloadFile: join(built, 'preload', 'preload.cjs'),
  });
  const announce = createAnnouncer((line) => process.stdout.write(line));
  let { relay, port } = options;
  const vaultAt = createVaults(
    (dir) => createVault(dir, (reason) => log.warn('vault', undefined, { reason })),
    (error) => log.warn('vault', error),
  );
  const host = createAgentHost({
    make() {
      const settings = loadSettings({ dataDir });
      log.setLevel(settings.get('log.level'));
      settings.faults.forEach((fault) => log.warn('settings', undefined, { fault }));
      const store = tokenStore(settings);
      return createAgent({
        dataDir,
        settings,
        vaultAt: (dir) => vaultAt(dir, store),
        openBrowser: options.browser ? openBrowser : () => Promise.resolve(),
        notify: (fault) => notify('Latchkey', fault.message, window.show),
        version: manifest.version,
        resolveSystem: resolveSystemProxy,
        log,
        ...(relay === undefined ? {} : { relay }),
        ...(port === undefined ? {} : { port }),
      });
    },
    onSnapshot(snapshot) {
      announce(snapshot);
      tray.update(snapshot);
      window.send('snapshot', snapshotView(snapshot));
    },
    onActivity: (records, profile) =>
      window.send('activity', {
        records: records.map(activityView),
        ...(profile !== undefined && { profile }),
      }),
    onError: (error) => log.error('agent', error),
  });
  const setRelay = (url: string): Promise<AgentSnapshot> =>
    host.restart(() => {
      saveRelay(dataDir, url);
      relay = undefined;
    });
  const startAtLogin = createStartAtLogin({
    settings: () => loadSettings({ dataDir }),
    autostart: systemAutostart(dataDir, __filename),
    onFault: (error) => log.warn('start at login', error),
  });
  const saveSetting = async (key: EditableKey, value: SettingInput): Promise<void> => {
    const change = (): void => changeSetting(dataDir, loadSettings({ dataDir }), key, value);
    if (!editable[key].restarts) {
      change();
      return startAtLogin.saved();
    }
    await host.restart(() => {
      change();
      if (key === 'port') port = undefined;
    });
  };
  const actions = trayActions({ host, copy: copyText, show: window.show, quit: () => life.quit() });
  const tray = createTray(host.agent().snapshot(), (action) => {
    actions(action).catch((error: unknown) => log.warn('tray', error, { action: action.kind }));
  });
  const answer = createHandlers(
    {
      agent: host.agent,
      dataDir,
      settings: () => loadSettings({ dataDir }),
      setRelay,
      saveSetting,
      startAtLogin: startAtLogin.view,
      diagnose: (profile) => findings(dataDir, profile),
      retry: () => host.restart(),
      copy: copyText,
      openBrowser,
      openHelp,
      onError: (call, error) => log.error('call from the window', error, { call }),
    },
    pageOrigin,
  );
  const stopAnswering = answerCalls(answer, window.owns);
  const life = followLifecycle({
    onShow: window.show,
    onWake: () => host.agent().wake('slept'),
    async onQuit(quit) {
      stopAnswering();
      window.close();
      await host.close(graceOf(quit));
      tray.close();
    },
  });

  startAtLogin.settle();
  await host.start();
  if (!options.hidden && !openedAtLogin()) window.show();
}

function graceOf({ bySignal, hurry }: Quit): Grace {
  return { ms: bySignal ? SIGNAL_GRACE_MS : PERSON_GRACE_MS, hurry };
}

async function findings(dataDir: string, name?: string): Promise<readonly Finding[]> {
  const settings = loadSettings({ dataDir });
  const { version } = manifest;
  const profile = checkedProfile(name, dataDir, settings);
  const surroundings = { dataDir, settings, profile, version, env: process.env, now: Date.now };
  return (await diagnose(surroundings, resolveSystemProxy)).findings;
}

/** The first relay is the one in use; the others keep their places. */
function saveRelay(dataDir: string, url: string): void {
  const settings = loadSettings({ dataDir });
  if (settings.effective().some(({ key, locked }) => key === 'relays' && locked)) {
    throw new AgentError(
      'bad_settings',
      `The relay is set by ${managerWords(settings)}; ${askWords(settings)}.`,
    );
  }
  const others = settings.get('relays').slice(1);
  saveSettings(dataDir, { relays: [{ name: new URL(url).host, url }, ...others] });
}

main().catch((error: unknown) => {
  failToStart(
    error instanceof AgentError
      ? error.message
      : `Something unforeseen happened: ${error instanceof Error ? error.message : String(error)}`,
  );
});
