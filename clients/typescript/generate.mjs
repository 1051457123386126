// Writes src/schema.d.ts from openapi/openapi.json; with `--check` only tells whether it is current.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../openapi/openapi.json", import.meta.url);
const target = new URL("src/schema.d.ts", import.meta.url);

const document = JSON.parse(await readFile(source, "utf8"));
// A row has all its members unless `fields` leaves some out. OpenAPI cannot make that depend on a
// parameter; who asks with `fields` knows which they named.
for (const schema of Object.values(document.components.schemas)) {
  const always = schema["x-required-without-fields"];
  if (always) schema.required = [...(schema.required ?? []), ...always];
}

const banner = "// Generated from openapi/openapi.json by generate.mjs. Do not edit.\n\n";
const types = banner + astToString(await openapiTS(document, { alphabetize: true }));

if (process.argv.includes("--check")) {
  const current = await readFile(target, "utf8").catch(() => "");
  if (current !== types) {
    console.error("clients/typescript/src/schema.d.ts is not current: run `scripts/check-client generate`");
    process.exit(1);
  }
} else {
  await writeFile(target, types);
}
