import assert from 'node:assert/strict';
import { FRAME_HEADER, frame, FrameSplitter, MAX_FRAME } from '../wire.ts';

const body = (length: number, fill: number) => Buffer.alloc(length, fill);

describe('frames on the socket of the signer', () => {
  it('come out as they went in, small and large, however they are cut', () => {
    const sizes = [0, 1, 300, 70_000, 1_048_576, 3, 2_500_000, 10];
    const sent = Buffer.concat(sizes.map((size, i) => frame(i + 1, 7, (to) => to.bytes(body(size, i)))));
    for (const cut of [65_536, 1_000_003, 1_048_590, sent.length]) {
      const splitter = new FrameSplitter();
      const received: { call: number; length: number }[] = [];
      for (let at = 0; at < sent.length; at += cut) {
        for (const { call, code, body: from } of splitter.push(sent.subarray(at, at + cut))) {
          const bytes = from.bytes();
          assert.ok(code === 7 && from.done && bytes.every((octet) => octet === call - 1));
          received.push({ call, length: bytes.length });
        }
      }
      assert.deepEqual(
        received,
        sizes.map((length, i) => ({ call: i + 1, length })),
        `in pieces of ${cut}`,
      );
    }
  });

  it('say how long they are before what follows them unframed', () => {
    const following = body(2_000_000, 9);
    const head = frame(5, 7, (to) => to.u32(following.length), 64, following.length);
    const splitter = new FrameSplitter();
    assert.deepEqual(splitter.push(head), []);
    const [received] = splitter.push(following);
    assert.ok(received!.body.bytes().equals(following));
  });

  it('of a length that nobody sends end the connection before any memory is taken', () => {
    const head = Buffer.alloc(FRAME_HEADER);
    head.writeUInt32BE(MAX_FRAME + 1);
    assert.throws(() => new FrameSplitter().push(head), RangeError);
  });
});
