import type { Session, WebContents } from 'electron';

/** What of a page's powers can be taken away. */
export type Confinable = Pick<WebContents, 'on' | 'setWindowOpenHandler'>;

/**
 * Keeps a page where it is: no navigation, no new window, no embedded view, no frame.
 *
 * @param contents the window's page
 */
export function confine(contents: Confinable): void {
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-frame-navigate', (event) => event.preventDefault());
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

/**
 * Refuses every permission and every download; the page needs none.
 *
 * @param session the window's session
 */
export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, respond) => respond(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event) => event.preventDefault());
}
