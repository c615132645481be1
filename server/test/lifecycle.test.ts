import assert from 'node:assert/strict';
import { createLifecycle } from '../lifecycle.ts';
import { createLog } from '../log/log.ts';

describe('the life of the process', () => {
  const log = createLog({ level: 'error', format: 'json', clock: { now: () => new Date(0) }, write: () => undefined });
  const make = (hardLimitMs = 5000) => {
    const ended = Promise.withResolvers<number>();
    const codes = { clean: 0, cut: 75, crashed: 70 };
    return { lifecycle: createLifecycle({ log, codes, exit: ended.resolve, hardLimitMs }), ended: ended.promise };
  };
  const never = () => new Promise<void>(() => undefined);

  it('stops its stages one after the other, in order', async () => {
    const { lifecycle, ended } = make();
    const steps: string[] = [];
    for (const name of ['listener', 'jobs', 'database']) {
      lifecycle.add({
        name,
        stop: async () => {
          steps.push(`${name} stops`);
          await new Promise((resolve) => setTimeout(resolve, 1));
          steps.push(`${name} stopped`);
        },
      });
    }
    lifecycle.signal('SIGTERM');
    assert.equal(await ended, 0);
    assert.deepEqual(
      steps,
      ['listener', 'jobs', 'database'].flatMap((name) => [`${name} stops`, `${name} stopped`]),
    );
  });

  it('stops what a start that failed has begun, and leaves the end to whoever started it', async () => {
    const { lifecycle, ended } = make(20);
    const steps: string[] = [];
    for (const name of ['jobs', 'database']) lifecycle.add({ name, stop: async () => void steps.push(name) });
    await lifecycle.abandon();
    assert.deepEqual(steps, ['jobs', 'database']);
    lifecycle.add({ name: 'hangs', stop: never });
    await lifecycle.abandon();
    assert.equal(await Promise.race([ended, Promise.resolve('not ended')]), 'not ended');
  });

  it('says by its exit code that requests were cut', async () => {
    const { lifecycle, ended } = make();
    lifecycle.add({ name: 'listener', stop: () => Promise.resolve(false) });
    lifecycle.signal('SIGTERM');
    assert.equal(await ended, 75);
  });

  it('a stage that fails does not keep the others from stopping', async () => {
    const { lifecycle, ended } = make();
    let closed = false;
    lifecycle.add({ name: 'jobs', stop: () => Promise.reject(new Error('no')) });
    lifecycle.add({ name: 'database', stop: () => Promise.resolve(void (closed = true)) });
    lifecycle.signal('SIGTERM');
    assert.deepEqual([await ended, closed], [70, true]);
  });

  it('a second signal ends it at once', async () => {
    const { lifecycle, ended } = make();
    lifecycle.add({ name: 'listener', stop: never });
    lifecycle.signal('SIGTERM');
    lifecycle.signal('SIGINT');
    assert.equal(await ended, 75);
  });

  it('a stage that hangs cannot keep it for ever', async () => {
    const { lifecycle, ended } = make(20);
    // The limit alone does not keep a process alive, so here something else does.
    const alive = setInterval(() => undefined, 10);
    lifecycle.add({ name: 'listener', stop: never });
    lifecycle.signal('SIGTERM');
    assert.equal(await ended, 75);
    clearInterval(alive);
  });

  it('an error nobody caught drains too, and the code says that it was a crash', async () => {
    const { lifecycle, ended } = make();
    let drained = false;
    lifecycle.add({ name: 'listener', stop: () => Promise.resolve(void (drained = true)) });
    lifecycle.crash(new Error('defect'));
    assert.deepEqual([await ended, drained], [70, true]);
  });
});
