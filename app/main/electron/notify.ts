import { Notification } from 'electron';

/**
 * Shows a notification, where the system has any.
 *
 * @param title the first line
 * @param body what happened and what to do
 * @param onClick what a click leads to
 */
export function notify(title: string, body: string, onClick: () => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body, silent: true });
  notification.on('click', onClick);
  notification.show();
}
