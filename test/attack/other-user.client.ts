// A program that connects: UID HOST PORT MODE [FROM], as that user. It changes its user itself, since the other
// user may not be able to read where Node is installed.
import { connect } from 'node:net';

const [uid = '', host = '', port = '', mode = '', from] = process.argv.slice(2);
if (Number(uid) !== process.getuid?.()) {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}

function open(mode: string): void {
  const socket = connect({ host, port: Number(port), ...(from ? { localAddress: from } : {}) });
  socket.on('error', () => socket.destroy());
  if (mode === 'stay') {
    socket.on('close', () => process.exit());
    process.once('message', () => socket.resetAndDestroy());
  }
  socket.on('connect', () => {
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', () => {
      if (mode === 'leave') socket.destroy();
      if (mode === 'reset') socket.resetAndDestroy();
    });
  });
}

if (mode === 'flood') for (let at = 0; at < 40; at += 1) open(at % 2 === 0 ? 'leave' : 'reset');
else open(mode);
process.on('disconnect', () => process.exit());
process.channel?.unref();
