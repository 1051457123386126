// Runs every example, one after the other.
const examples = [
  "01-overview",
  "02-boost-usage",
  "03-newest-commits",
  "04-search",
  "05-chart",
  "06-every-row",
  "07-person",
  "08-only-if-changed",
  "09-export",
  "10-changes",
];
for (const example of examples) {
  console.log(`\n== ${example}`);
  await import(`./${example}.js`);
}
