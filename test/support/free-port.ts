import { freePorts } from '../../demo/child.ts';

/** A port of this computer that nobody uses, for what cannot be told to choose one. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
