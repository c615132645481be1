import express, { type Express } from 'express';
import type { LicenseWatch } from './licensed.ts';

/** As the catalog of the vendor calls them; the evaluation server sells these. */
export const PRODUCT = 'demo';
const EXPORT = `${PRODUCT}/export`;

/**
 * A product with a page, a feature that costs extra, and work that an expired license must not interrupt. The license
 * decides what is offered; it never touches the data.
 */
export function createSampleApp(license: LicenseWatch, callSecond?: () => Promise<string>): Express {
  const app = express();
  app.disable('x-powered-by');

  app.get('/', async (_request, response) => {
    const { banner, allows, verdict } = await license.current();
    const note = banner === undefined ? '' : `<p role="status"><strong>${escape(banner)}</strong></p>`;
    const watermark = verdict?.watermark === true ? '<div class="watermark">DEVELOPMENT</div>' : '';
    const features = allows(EXPORT) ? '<a href="/export">Export</a>' : 'Export is not part of your license.';
    response.type('html').send(`<!doctype html><title>Sample</title>${watermark}${note}<p>${features}</p>`);
  });

  app.get('/export', async (_request, response) => {
    const { allows } = await license.current();
    if (!allows(EXPORT)) {
      response.status(403).json({ code: 'FEATURE_MISSING', detail: 'Export is not part of this license.' });
      return;
    }
    response.type('text/csv').send('answer\n42\n');
  });

  // New capacity needs a usable license; looking at what is there never does.
  app.post('/jobs', async (_request, response) => {
    const { usable, banner } = await license.current();
    if (usable) response.status(202).json({ job: 'begun' });
    else response.status(403).json({ code: 'LICENSE_NOT_USABLE', detail: banner });
  });
  app.get('/jobs', (_request, response) => {
    response.json({ jobs: [] });
  });

  if (callSecond === undefined) return app;
  app.get('/second', async (_request, response) => {
    try {
      response.type('text/plain').send(await callSecond());
    } catch (error) {
      response.status(502).json({ code: 'SECOND_SERVICE_FAILED', detail: (error as Error).message });
    }
  });
  return app;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
