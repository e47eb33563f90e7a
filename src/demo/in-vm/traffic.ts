// One TCP connection as fast as it goes: `traffic serve PORT`, `traffic send ADDRESS PORT MILLISECONDS`.
// The sender prints what arrived, as the receiver counted it.
import { connect, createServer, type Socket } from 'node:net';

const chunk = Buffer.alloc(256 * 1024);
const [verb, ...rest] = process.argv.slice(2);

function serve(port: number): void {
  createServer({ allowHalfOpen: true }, socket => {
    let bytes = 0;
    const from = performance.now();
    socket.on('error', () => {});
    socket.on('data', data => {
      bytes += data.length;
    });
    socket.on('end', () => socket.end(JSON.stringify({ bytes, ms: performance.now() - from })));
  }).listen(port, () => console.log('serving'));
}

function send(host: string, port: number, ms: number): void {
  const socket: Socket = connect({ host, port, allowHalfOpen: true });
  const end = performance.now() + ms;
  const more = (): void => {
    while (performance.now() < end) {
      if (!socket.write(chunk)) return;
    }
    socket.end();
  };
  socket.once('connect', more);
  socket.on('drain', more);
  socket.on('data', data => console.log(data.toString()));
  socket.once('error', error => {
    console.error(error.message);
    process.exitCode = 1;
  });
}

if (verb === 'serve') serve(Number(rest[0]));
else send(rest[0] ?? '', Number(rest[1]), Number(rest[2]));
