import { isDeepStrictEqual } from 'node:util';
import type { SinkConfig } from '../config/sink-config.ts';
import { createShipper, type Shipper, type ShipperDeps } from './shipper.ts';
import type { SinkState } from './telling.ts';

/** Ships to all sinks of a configuration. */
export interface Shipping {
  /** Begins, ends and begins anew what the configuration says; what did not change goes on. */
  use(sinks: readonly SinkConfig[]): Promise<void>;
  /** There may be new records. */
  wake(): void;
  states(): readonly SinkState[];
  close(): Promise<void>;
}

/**
 * Makes the shipping of a ledger.
 *
 * @param deps where the ledger is, and what hears of it
 * @returns the shipping, without sinks yet
 */
export function createShipping(deps: ShipperDeps): Shipping {
  let running = new Map<string, { readonly config: SinkConfig; readonly shipper: Shipper }>();
  let changing: Promise<unknown> = Promise.resolve();

  async function change(sinks: readonly SinkConfig[]): Promise<void> {
    const before = running;
    const kept = new Map(
      sinks.flatMap(({ name }) => {
        const entry = before.get(name);
        const isSame = isDeepStrictEqual(
          entry?.config,
          sinks.find((sink) => sink.name === name),
        );
        return entry !== undefined && isSame ? [[name, entry] as const] : [];
      }),
    );
    running = kept;
    // Two that ship with one cursor would each undo what the other wrote.
    const ended = [...before].filter(([name]) => !kept.has(name));
    await Promise.all(ended.map(([, { shipper }]) => shipper.close()));
    running = new Map(
      sinks.map((config) => [
        config.name,
        kept.get(config.name) ?? { config, shipper: createShipper(config, deps) },
      ]),
    );
  }

  function inTurn(sinks: readonly SinkConfig[]): Promise<void> {
    const changed = changing.then(() => change(sinks));
    changing = changed;
    return changed;
  }

  return {
    use: inTurn,
    wake() {
      for (const { shipper } of running.values()) shipper.wake();
    },
    states: () => [...running.values()].map(({ shipper }) => shipper.state()),
    close: () => inTurn([]),
  };
}
