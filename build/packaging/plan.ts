/** The Electron that would be packaged. */
export interface PackagedElectron {
  readonly version: string;
  /** It is the official one, of the very version that package.json pins. */
  readonly official: boolean;
}

/** What is known about this machine when the plan is made. */
export interface DistFacts {
  readonly platform: NodeJS.Platform;
  readonly electron: PackagedElectron;
  /** Only the unpacked app, no installer. */
  readonly dirOnly: boolean;
  /** Whether a program is in PATH. */
  readonly has: (program: string) => boolean;
}

/** An installer that this machine cannot build. */
export interface LeftOut {
  readonly target: string;
  readonly reason: string;
}

/** What `npm run dist` will build. */
export type DistPlan =
  | { readonly kind: 'release'; readonly targets: readonly string[] }
  | {
      readonly kind: 'test';
      readonly targets: readonly string[];
      readonly electronVersion: string;
      readonly leftOut: readonly LeftOut[];
    }
  | { readonly kind: 'impossible'; readonly reason: string };

const targetsOf: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['deb', 'AppImage'],
  win32: ['nsis'],
  darwin: ['dmg', 'zip'],
};

/**
 * Decides what can be built here. With the official Electron that is everything the platform has;
 * without it, on Linux, a Debian package for tests.
 *
 * @param facts about this machine
 * @returns the plan, or why there is none
 */
export function planDist(facts: DistFacts): DistPlan {
  const all = targetsOf[facts.platform];
  if (all === undefined) {
    return {
      kind: 'impossible',
      reason: `Latchkey has no installer for ${facts.platform}; build on Linux, Windows or macOS.`,
    };
  }
  if (facts.electron.official) return { kind: 'release', targets: facts.dirOnly ? ['dir'] : all };
  if (facts.platform !== 'linux') {
    return {
      kind: 'impossible',
      reason:
        'The official Electron cannot be had here, and only Linux has another one for tests. ' +
        'Let this machine reach github.com, or set ELECTRON_OVERRIDE_DIST_PATH to the unpacked one.',
    };
  }
  const leftOut = [
    {
      target: 'AppImage',
      reason: 'its runtime is a download from github.com, which this machine cannot reach',
    },
  ];
  const test = { kind: 'test', electronVersion: facts.electron.version } as const;
  if (facts.dirOnly) return { ...test, targets: ['dir'], leftOut: [] };
  if (!facts.has('dpkg-deb')) {
    return {
      kind: 'impossible',
      reason:
        'dpkg-deb is missing. Install the Debian package dpkg (apt-get install dpkg), or build ' +
        'the unpacked app only: npm run dist -- --dir',
    };
  }
  return { ...test, targets: ['deb'], leftOut };
}
