// Shows /api/openapi.json. Everything is set as text: nothing of the document is ever read as HTML.

const byId = (id) => document.getElementById(id);

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const code = (text) => make('code', {}, text);
const pretty = (value) => make('pre', { tabindex: '0' }, JSON.stringify(value, null, 2));

/** The prose of the document knows `code` and **strong**, no more. */
function prose(text) {
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`')) return code(part.slice(1, -1));
    return part.startsWith('**') ? make('strong', {}, part.slice(2, -2)) : part;
  });
  return make('p', { class: 'text' }, ...parts);
}

function table(head, rows) {
  const line = (cells, kind) => make('tr', {}, ...cells.map((cell) => make(kind, {}, cell ?? '')));
  return make(
    'table',
    {},
    make('thead', {}, line(head, 'th')),
    make('tbody', {}, ...rows.map((row) => line(row, 'td'))),
  );
}

function resolve(given, root) {
  let found = given ?? {};
  for (let steps = 0; found.$ref !== undefined && steps < 8; steps++) {
    found = found.$ref
      .split('/')
      .slice(1)
      .reduce((at, name) => at?.[name], root);
  }
  return found ?? {};
}

function typeOf(schema, root) {
  const it = resolve(schema, root);
  const choices = it.anyOf ?? it.oneOf;
  if (choices) return choices.map((choice) => typeOf(choice, root)).join(' or ');
  if (it.const !== undefined) return JSON.stringify(it.const);
  if (it.enum) return it.enum.map((value) => JSON.stringify(value)).join(', ');
  if (it.type === 'array') return `list of ${typeOf(it.items, root)}`;
  const name = schema?.$ref?.split('/').at(-1);
  return [name ?? it.type ?? 'anything', it.format && `(${it.format})`].filter(Boolean).join(' ');
}

/** One row for each property, those of objects within it indented by their path. */
function rowsOf(schema, root, path = '', depth = 0) {
  const it = resolve(schema, root);
  return Object.entries(it.properties ?? {}).flatMap(([name, property]) => {
    const full = path === '' ? name : `${path}.${name}`;
    const must = (it.required ?? []).includes(name) ? 'yes' : '';
    const inner = resolve(property, root);
    const items = inner.type === 'array' ? inner.items : property;
    const below = depth < 4 ? rowsOf(items, root, inner.type === 'array' ? `${full}[]` : full, depth + 1) : [];
    return [[code(full), typeOf(property, root), must, inner.description], ...below];
  });
}

const schemaTable = (schema, root) => {
  const it = resolve(schema, root);
  const choices = it.anyOf ?? it.oneOf;
  if (choices) return make('div', {}, ...choices.map((choice) => schemaTable(choice, root)));
  return table(['field', 'type', 'always', 'meaning'], rowsOf(schema, root));
};

function curl(method, path, { parameters = [], requestBody }) {
  const example = requestBody?.content?.['application/json']?.example;
  const needsMatch = parameters.some(({ name }) => name === 'If-Match');
  return [
    `curl -X ${method.toUpperCase()} "$LICET${path}"`,
    '-H "Authorization: Bearer $TOKEN"',
    ...(needsMatch ? [`-H 'If-Match: "1"'`] : []),
    ...(example === undefined ? [] : ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(example)}'`]),
  ].join(' \\\n  ');
}

function article(method, path, operation, root) {
  const body = operation.requestBody?.content?.['application/json'];
  const parts = [
    make('h3', {}, operation.summary),
    make('p', {}, code(`${method.toUpperCase()} ${path}`)),
    prose(operation.description ?? ''),
  ];
  if (operation.parameters?.length > 0) {
    const rows = operation.parameters.map((it) => [
      code(it.name),
      it.in,
      typeOf(it.schema, root),
      it.required ? 'yes' : '',
      it.description ?? it.schema?.description,
    ]);
    parts.push(make('h4', {}, 'Parameters'), table(['name', 'in', 'type', 'must', 'meaning'], rows));
  }
  if (body) parts.push(make('h4', {}, 'Body'), schemaTable(body.schema, root));
  parts.push(make('h4', {}, 'Example'), make('pre', { tabindex: '0' }, curl(method, path, operation)));
  for (const [status, given] of Object.entries(operation.responses)) {
    const answer = resolve(given, root);
    const content = answer.content?.['application/json'];
    const title = make('summary', {}, code(status), ' ', make('span', { class: 'quiet' }, answer.description));
    if (!content) parts.push(make('details', {}, title));
    else parts.push(make('details', { open: '' }, title, pretty(content.example), schemaTable(content.schema, root)));
  }
  return make('article', { id: operation.operationId }, ...parts);
}

function show(root) {
  const main = byId('main');
  main.replaceChildren(make('h1', {}, `${root.info.title} ${root.info.version}`), prose(root.info.description));
  const operations = Object.entries(root.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  for (const { name, description } of root.tags) {
    const own = operations.filter(({ operation }) => operation.tags[0] === name);
    if (own.length === 0) continue;
    byId('index').append(make('h2', {}, name));
    main.append(make('h2', {}, name), prose(description));
    for (const { method, path, operation } of own) {
      const link = make(
        'a',
        { href: `#${operation.operationId}`, title: `${method.toUpperCase()} ${path}` },
        operation.summary,
      );
      link.dataset.text = `${method} ${path} ${operation.summary}`.toLowerCase();
      byId('index').append(link);
      main.append(article(method, path, operation, root));
    }
  }
  byId('filter').addEventListener('input', ({ target }) => {
    const wanted = target.value.toLowerCase();
    for (const link of byId('index').querySelectorAll('a')) link.hidden = !link.dataset.text.includes(wanted);
  });
  if (location.hash !== '') byId(location.hash.slice(1))?.scrollIntoView();
}

fetch('openapi.json')
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
  .then(show)
  .catch((error) => {
    byId('state').textContent = `The description could not be loaded: ${error.message}. Reload the page.`;
  });
