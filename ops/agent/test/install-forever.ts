import { SiteFolder } from '../site-folder.ts';

/** Installs one generation after the other until it is killed. Key and license of a generation carry its number. */
const folder = new SiteFolder(process.argv[2] ?? '');
await folder.prepare();
for (let number = 1; ; number++) {
  await folder.keepPending({ key: `key ${number}`, request: Buffer.from(`request ${number}`) });
  await folder.install({ key: `${number}`, license: `${number}` });
  await folder.dropPending();
  process.stdout.write(`${number}\n`);
}
