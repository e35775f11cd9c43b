import dbus from 'dbus-next';
import type { MessageBus } from 'dbus-next';

/**
 * Tells whether a program has a name on a bus.
 *
 * @param bus where to ask
 * @param name well-known or unique
 */
export async function hasOwner(bus: MessageBus, name: string): Promise<boolean> {
  const reply = await bus.call(
    new dbus.Message({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'NameHasOwner',
      signature: 's',
      body: [name],
    }),
  );
  return reply?.body[0] === true;
}
