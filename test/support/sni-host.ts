import dbus from 'dbus-next';
import type { MessageBus } from 'dbus-next';
import { eventually } from './electron.ts';
import { hasOwner } from './session-bus.ts';

const watcherName = 'org.kde.StatusNotifierWatcher';
const itemInterface = 'org.kde.StatusNotifierItem';
const menuInterface = 'com.canonical.dbusmenu';
const propertiesInterface = 'org.freedesktop.DBus.Properties';
const itemPath = '/StatusNotifierItem';

/** One line of a tray menu as the desktop sees it. */
export interface TrayMenuNode {
  readonly id: number;
  readonly label: string;
  readonly enabled: boolean;
  readonly separator: boolean;
  readonly children: readonly TrayMenuNode[];
}

/** The app's tray icon, driven as a desktop drives it. */
export interface TrayHandle {
  tooltip(): Promise<string>;
  /** The pixels of the icon, as one text to compare. */
  icon(): Promise<{ readonly width: number; readonly height: number; readonly pixels: string }>;
  menu(): Promise<TrayMenuNode>;
  /** All labels, submenus after their own line. */
  labels(): Promise<readonly string[]>;
  /** Clicks the line reached by these labels, such as `click('Billing', 'Copy URL')`. */
  click(...labels: readonly string[]): Promise<void>;
  /** Clicks the icon itself. */
  activate(): Promise<void>;
}

/** Stands in for the desktop's panel on this session bus. */
export interface SniHost {
  /** The first icon that registers; waits for it. */
  item(): Promise<TrayHandle>;
  close(): void;
}

/**
 * Makes this process the session's StatusNotifierWatcher and host; start it before the app.
 *
 * @returns the host
 * @see https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/
 */
export async function startSniHost(): Promise<SniHost> {
  const bus = dbus.sessionBus();
  const registered: string[] = [];

  class Watcher extends dbus.interface.Interface {
    get RegisteredStatusNotifierItems(): string[] {
      return registered;
    }
    get IsStatusNotifierHostRegistered(): boolean {
      return true;
    }
    get ProtocolVersion(): number {
      return 0;
    }
    RegisterStatusNotifierItem(service: string): void {
      registered.push(service);
    }
    RegisterStatusNotifierHost(): void {
      // This process is the only host.
    }
  }
  Watcher.configureMembers({
    properties: {
      RegisteredStatusNotifierItems: { signature: 'as', access: dbus.interface.ACCESS_READ },
      IsStatusNotifierHostRegistered: { signature: 'b', access: dbus.interface.ACCESS_READ },
      ProtocolVersion: { signature: 'i', access: dbus.interface.ACCESS_READ },
    },
    methods: {
      RegisterStatusNotifierItem: { inSignature: 's' },
      RegisterStatusNotifierHost: { inSignature: 's' },
    },
  });
  bus.export('/StatusNotifierWatcher', new Watcher(watcherName));
  await bus.requestName(watcherName, 0);

  return {
    async item() {
      const service = await eventually('a tray icon', async () => {
        const latest = registered.at(-1);
        if (latest?.startsWith('/') === true)
          throw new Error(`registered by path, not by name: ${latest}`);
        // One of an app that was killed stays in the list.
        return latest !== undefined && (await hasOwner(bus, latest)) ? latest : undefined;
      });
      return trayHandle(bus, service);
    },
    close: () => bus.disconnect(),
  };
}

type Call = (
  path: string,
  member: string,
  options: { interface: string; signature?: string; body?: unknown[] },
) => Promise<unknown[]>;

function trayHandle(bus: MessageBus, destination: string): TrayHandle {
  const call: Call = async (path, member, options) => {
    const message = new dbus.Message({
      destination,
      path,
      member,
      interface: options.interface,
      signature: options.signature ?? '',
      body: options.body ?? [],
    });
    const reply = await bus.call(message);
    return (reply?.body ?? []) as unknown[];
  };
  const properties = async (): Promise<Record<string, unknown>> => {
    const [all] = await call(itemPath, 'GetAll', {
      interface: propertiesInterface,
      signature: 's',
      body: [itemInterface],
    });
    return plain(all) as Record<string, unknown>;
  };
  const menuPath = async (): Promise<string> => String((await properties())['Menu']);
  const menu = async (): Promise<TrayMenuNode> => {
    const [, layout] = await call(await menuPath(), 'GetLayout', {
      interface: menuInterface,
      signature: 'iias',
      body: [0, -1, []],
    });
    return menuNode(layout);
  };
  return {
    menu,
    async tooltip() {
      const [, , title, text] = (await properties())['ToolTip'] as [
        string,
        unknown,
        string,
        string,
      ];
      return [title, text].filter(Boolean).join('\n');
    },
    async icon() {
      const pictures = (await properties())['IconPixmap'] as [number, number, Buffer][];
      const [width, height, pixels] = pictures[0] ?? [0, 0, Buffer.alloc(0)];
      return { width, height, pixels: Buffer.from(pixels).toString('base64') };
    },
    labels: async () => flatLabels(await menu()),
    async click(...labels) {
      // The menu follows the app's state a moment later.
      const node = await eventually(`the menu line ${labels.join(' > ')}`, async () =>
        labels.reduce<TrayMenuNode | undefined>(
          (parent, label) => parent?.children.find((candidate) => candidate.label === label),
          await menu(),
        ),
      );
      await call(await menuPath(), 'Event', {
        interface: menuInterface,
        signature: 'isvu',
        body: [node.id, 'clicked', new dbus.Variant('i', 0), Math.floor(Date.now() / 1000)],
      });
    },
    async activate() {
      await call(itemPath, 'Activate', { interface: itemInterface, signature: 'ii', body: [0, 0] });
    },
  };
}

function menuNode(layout: unknown): TrayMenuNode {
  const [id, rawProperties, rawChildren] = plain(layout) as [
    number,
    Record<string, unknown>,
    unknown[],
  ];
  const label = rawProperties['label'];
  return {
    id,
    // A single underscore marks the shortcut letter, two stand for one.
    label: typeof label === 'string' ? label.replaceAll(/_(_?)/gu, '$1') : '',
    enabled: rawProperties['enabled'] !== false,
    separator: rawProperties['type'] === 'separator',
    children: rawChildren.map(menuNode),
  };
}

const flatLabels = (node: TrayMenuNode): readonly string[] =>
  node.children.flatMap((child) => [child.label, ...flatLabels(child)]).filter(Boolean);

/** Takes D-Bus variants apart, at any depth. */
function plain(value: unknown): unknown {
  if (value instanceof dbus.Variant) return plain(value.value);
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
