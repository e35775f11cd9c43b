import { nativeImage } from 'electron';
import type { NativeImage } from 'electron';
import type { AgentStatus } from '../agent/status.ts';
import expired from '../../../build/icons/tray/expired.png?inline';
import expired2x from '../../../build/icons/tray/expired@2x.png?inline';
import expiredMono from '../../../build/icons/tray/expiredTemplate.png?inline';
import expiredMono2x from '../../../build/icons/tray/expiredTemplate@2x.png?inline';
import offline from '../../../build/icons/tray/offline.png?inline';
import offline2x from '../../../build/icons/tray/offline@2x.png?inline';
import offlineMono from '../../../build/icons/tray/offlineTemplate.png?inline';
import offlineMono2x from '../../../build/icons/tray/offlineTemplate@2x.png?inline';
import ready from '../../../build/icons/tray/ready.png?inline';
import ready2x from '../../../build/icons/tray/ready@2x.png?inline';
import readyMono from '../../../build/icons/tray/readyTemplate.png?inline';
import readyMono2x from '../../../build/icons/tray/readyTemplate@2x.png?inline';
import signedOut from '../../../build/icons/tray/signed-out.png?inline';
import signedOut2x from '../../../build/icons/tray/signed-out@2x.png?inline';
import signedOutMono from '../../../build/icons/tray/signed-outTemplate.png?inline';
import signedOutMono2x from '../../../build/icons/tray/signed-outTemplate@2x.png?inline';
import signingIn from '../../../build/icons/tray/signing-in.png?inline';
import signingIn2x from '../../../build/icons/tray/signing-in@2x.png?inline';
import signingInMono from '../../../build/icons/tray/signing-inTemplate.png?inline';
import signingInMono2x from '../../../build/icons/tray/signing-inTemplate@2x.png?inline';

interface Drawing {
  readonly color: readonly [string, string];
  /** Black on nothing: macOS colours it to fit the menu bar. */
  readonly mono: readonly [string, string];
}

const drawings: Readonly<Record<AgentStatus, Drawing>> = {
  'signed-out': { color: [signedOut, signedOut2x], mono: [signedOutMono, signedOutMono2x] },
  'signing-in': { color: [signingIn, signingIn2x], mono: [signingInMono, signingInMono2x] },
  ready: { color: [ready, ready2x], mono: [readyMono, readyMono2x] },
  offline: { color: [offline, offline2x], mono: [offlineMono, offlineMono2x] },
  expired: { color: [expired, expired2x], mono: [expiredMono, expiredMono2x] },
};

/**
 * The tray's picture for a state; they differ by shape, not by colour alone.
 *
 * @param status the agent's state
 * @param platform `process.platform`
 * @returns the image at 22 and 44 pixels
 */
export function trayIcon(status: AgentStatus, platform: NodeJS.Platform): NativeImage {
  const [single, double] = drawings[status][platform === 'darwin' ? 'mono' : 'color'];
  const image = nativeImage.createEmpty();
  image.addRepresentation({ scaleFactor: 1, dataURL: single });
  image.addRepresentation({ scaleFactor: 2, dataURL: double });
  image.setTemplateImage(platform === 'darwin');
  return image;
}
