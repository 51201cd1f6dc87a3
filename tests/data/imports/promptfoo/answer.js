// Answers from a table, as two models would.
const table = {
  base: { France: 'Paris', Germany: 'I believe it is Berlin.', Japan: 'Kyoto', json: '{"city": "Rom"}' },
  tuned: { France: 'Paris', Germany: 'Berlin', Japan: 'Tokyo', json: '{"city": "Rome"}' },
};
module.exports = class {
  constructor(options) { this.who = options.config.who; }
  id() { return this.who; }
  async callApi(prompt) {
    const key = prompt.includes('JSON') ? 'json' : Object.keys(table.base).find((k) => prompt.includes(k));
    if (!key) return { error: 'no answer in the table' };
    return { output: table[this.who][key], tokenUsage: { total: 10, prompt: 7, completion: 3 } };
  }
};
