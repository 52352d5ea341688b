// The work of the bench, done with the npm package `ari-client`. The other contestants, in Rust beside this folder,
// do the same in the same order; `contestant.rs` says what is printed.
'use strict';

// What the package's dependencies print must not stand between our lines.
console.log = console.error;

const ari = require('ari-client');
const dgram = require('dgram');
const readline = require('readline');

const APP = 'patchcord';
const { BENCH_URL, BENCH_USER, BENCH_PASSWORD, BENCH_PORTS } = process.env;
const now = () => Number(process.hrtime.bigint() / 1000n);
const say = (...words) => process.stdout.write(words.join(' ') + '\n');
const once = (resource, kind) => new Promise((resolve) => resource.once(kind, () => resolve(now())));

function port() {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}

async function serve(client, channel, start, socket) {
  const media = client.Channel(`media-${channel.id}`);
  const bridge = client.Bridge(`bridge-${channel.id}`);
  const started = once(media, 'StasisStart');
  const entered = Promise.all([once(channel, 'ChannelEnteredBridge'), once(media, 'ChannelEnteredBridge')]);
  const heard = new Promise((resolve) => socket.once('message', () => resolve(now())));
  await Promise.all([
    channel.answer(),
    bridge.create({ type: 'mixing' }),
    media.externalMedia({ app: APP, external_host: `127.0.0.1:${socket.address().port}`, format: 'ulaw' }),
  ]);
  await started;
  const [, [first, second], packet] = await Promise.all([
    bridge.addChannel({ channel: [channel.id, media.id] }), entered, heard,
  ]);
  const joined = Math.max(first, second);
  await Promise.all([channel.hangup(), media.hangup(), bridge.destroy()]);
  socket.close();
  say('call', channel.id, joined - start, Math.max(joined, packet) - start);
}

async function flooded(client, channel) {
  const noisy = client.Channel(`in-${channel.id}`);
  let count = 0, first = 0;
  noisy.on('ChannelDialplan', () => { count += 1; });
  await client.applications.subscribe({ applicationName: APP, eventSource: `channel:${noisy.id}` });
  await new Promise((resolve) => {
    noisy.on('ChannelVarset', (event) => {
      first = first || now();
      count += 1;
      if (event.variable === 'FLOODED') resolve();
    });
    channel.answer();
  });
  const last = now();
  noisy.removeAllListeners('ChannelVarset');
  noisy.removeAllListeners('ChannelDialplan');
  await channel.hangup();
  say('flood', channel.id, count, first, last);
}

async function main() {
  const client = await ari.connect(BENCH_URL, BENCH_USER, BENCH_PASSWORD);
  const ports = await Promise.all(Array.from({ length: Number(BENCH_PORTS) }, port));
  client.on('StasisStart', (_event, channel) => {
    const start = now();
    if (channel.id.startsWith('media-')) return;
    const work = channel.id.startsWith('flood-')
      ? flooded(client, channel)
      : serve(client, channel, start, ports.pop());
    work.catch((error) => say('failed', channel.id, JSON.stringify(error.message)));
  });
  await client.start(APP);
  say('ready');
  readline.createInterface({ input: process.stdin }).on('close', () => process.exit(0));
}

main().catch((error) => {
  say('failed', 'start', JSON.stringify(String(error && error.message)));
  process.exit(1);
});
