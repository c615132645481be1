import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { readTranscript, Transcript } from '../transcript.ts';
import { verifyTranscript } from '../verify-transcript.ts';
import { Hall, NOW } from './hall.ts';

const MISMATCH = 'TRANSCRIPT_MISMATCH';

describe('a transcript', function () {
  this.timeout(10_000);

  describe('in itself', () => {
    const transcript = new Transcript({ now: () => NOW });
    transcript.add('ceremony test');
    transcript.add('asked: what?');
    transcript.addFile({ kind: 'kept', name: 'a file.pem', sha256: 'ab'.repeat(32) });
    transcript.add('the ceremony ended');
    const text = transcript.text();

    it('says what was written into it', () => {
      const { lines, files, seal } = readTranscript(text);
      assert.deepEqual(lines.slice(0, 2), ['ceremony test', 'asked: what?']);
      assert.deepEqual(files, [{ kind: 'kept', name: 'a file.pem', sha256: 'ab'.repeat(32) }]);
      assert.equal(seal, transcript.seal);
    });

    it('shows any one character that was changed', () => {
      const changed = fc.tuple(fc.nat(text.length - 1), fc.constantFrom('0', 'a', 'Z', ' ', '#', '\n'));
      fc.assert(
        fc.property(changed, ([at, other]) => {
          fc.pre(text[at] !== other);
          assert.throws(() => readTranscript(text.slice(0, at) + other + text.slice(at + 1)), { code: MISMATCH });
        }),
      );
    });

    it('shows lines that were dropped, doubled or exchanged', () => {
      const lines = text.split('\n');
      for (let i = 0; i < lines.length - 1; i += 1) {
        assert.throws(() => readTranscript(lines.toSpliced(i, 1).join('\n')), { code: MISMATCH });
        assert.throws(() => readTranscript(lines.toSpliced(i, 0, lines[i]!).join('\n')), { code: MISMATCH });
        if (i === 0) continue;
        assert.throws(
          () =>
            readTranscript(
              lines
                .with(i, lines[i - 1]!)
                .with(i - 1, lines[i]!)
                .join('\n'),
            ),
          {
            code: MISMATCH,
          },
        );
      }
    });
  });

  describe('with the files beside it', () => {
    let hall: Hall;
    before(async () => {
      hall = new Hall();
      await hall.root();
    });
    after(() => hall.leave());

    const verify = (seal?: string) => verifyTranscript(hall.path('root', 'transcript.txt'), seal);

    it('holds, also when the shares were taken away and the signer went on', async () => {
      const { seal } = await verify();
      await hall.hold('crl', 'crls', { issuer: hall.byRoot(), periodDays: 90, overlapDays: 5, count: 1 });
      const share = readFileSync(hall.path('root', 'shares', 'ada.share'));
      rmSync(hall.path('root', 'shares', 'ada.share'));
      assert.deepEqual((await verify(seal)).away, ['shares/ada.share']);
      writeFileSync(hall.path('root', 'shares', 'ada.share'), share);
      assert.deepEqual((await verify(seal)).away, []);
    });

    it('says who was there, with which program, from which file, and what was made', () => {
      const text = readFileSync(hall.path('root', 'transcript.txt'), 'utf8');
      for (const words of [
        /witness Ada, witness /,
        /program licet 0\.0\.0 sha256 00 node v24 /,
        /file kept [0-9a-f]{64} inputs\/ceremony\.yaml /,
        /certificate root\.pem fingerprint (?:[0-9A-F]{2}:){31}[0-9A-F]{2} serial 01[0-9a-f]{32} /,
        /confirmed beforehand by --yes /,
        /journal of signer after: line \d+ hash [0-9a-f]{64} /,
        /each of the 3 shares was tried, 2 at a time/,
      ]) {
        assert.match(text, words);
      }
    });

    for (const name of ['root.pem', 'inputs/ceremony.yaml', 'shares/grace.share']) {
      it(`names ${name} when it was changed`, async () => {
        const path = hall.path('root', name);
        const before = readFileSync(path);
        writeFileSync(path, Buffer.concat([before, Buffer.from('\n')]));
        await assert.rejects(verify(), { code: MISMATCH, message: `The file ${name} is not the one of the ceremony.` });
        writeFileSync(path, before);
      });
    }

    it('takes the seal as people write it down: in groups, with colons, in capitals', async () => {
      const { seal } = await verify();
      for (const between of [' ', ':', '\n']) {
        assert.equal((await verify(seal.toUpperCase().match(/.{4}/g)!.join(between))).seal, seal);
      }
    });

    it('names a file that is missing, and one that was added', async () => {
      const path = hall.path('root', 'root.pem');
      const before = readFileSync(path);
      rmSync(path);
      await assert.rejects(verify(), { code: MISMATCH, message: 'The file root.pem is missing.' });
      writeFileSync(path, before);
      writeFileSync(hall.path('root', 'more.pem'), before);
      await assert.rejects(verify(), { code: MISMATCH, message: 'The file more.pem is not in the transcript.' });
      rmSync(hall.path('root', 'more.pem'));
    });

    it('that was written anew as a whole has another seal', async () => {
      const { seal } = await verify();
      const forged = new Transcript({ now: () => NOW });
      for (const line of readTranscript(readFileSync(hall.path('root', 'transcript.txt'), 'utf8')).lines) {
        forged.add(line.replace('Ada', 'Eve'));
      }
      writeFileSync(hall.path('root', 'transcript.txt'), forged.text());
      await verify();
      await assert.rejects(verify(seal), { code: MISMATCH, message: /^The seal/ });
    });
  });
});
