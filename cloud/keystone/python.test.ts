import assert from 'node:assert/strict';
import { it } from 'node:test';
import { KeystoneBench } from './keystone-bench.ts';
import { pretty, repr } from './python.ts';

it('values are printed as Python prints them', () => {
  for (const [value, text] of [
    [null, 'None'],
    [true, 'True'],
    [5, '5'],
    ['a', "'a'"],
    ["it's", '"it\'s"'],
    [`'"`, `'\\'"'`],
    ['a\\b\n', "'a\\\\b\\n'"],
    [['a', 1, {}], "['a', 1, {}]"],
    [{ b: 1, a: [false] }, "{'b': 1, 'a': [False]}"],
  ] as const) {
    assert.equal(repr(value), text);
  }
  assert.equal(pretty({ b: 1, a: 2 }), "{'a': 2, 'b': 1}", 'pprint sorts');
});

it('a schema is quoted line by line as Keystone quotes it', () => {
  const bench = new KeystoneBench();
  const refused = bench.ask('POST', '/v3/projects', { token: bench.admin(), body: { project: {} } });
  assert.equal(
    refused.message,
    [
      "'name' is a required property",
      '',
      "Failed validating 'required' in schema:",
      "    {'additionalProperties': True,",
      "     'properties': {'description': {'type': ['string', 'null']},",
      "                    'domain_id': {'maxLength': 64,",
      "                                  'minLength': 1,",
      "                                  'pattern': '^[a-zA-Z0-9-]+$',",
      "                                  'type': ['string', 'null']},",
      "                    'enabled': {'enum': [True, False, None],",
      "                                'type': 'boolean'},",
      "                    'is_domain': {'enum': [True, False, None],",
      "                                  'type': 'boolean'},",
      "                    'name': {'maxLength': 64,",
      "                             'minLength': 1,",
      "                             'pattern': '[\\\\S]+',",
      "                             'type': 'string'},",
      "                    'options': {'additionalProperties': False,",
      "                                'properties': {'immutable': {'enum': [True,",
      '                                                                      False,',
      '                                                                      None],',
      "                                                             'type': ['boolean',",
      "                                                                      'null']}},",
      "                                'type': 'object'},",
      "                    'parent_id': {'maxLength': 64,",
      "                                  'minLength': 1,",
      "                                  'pattern': '^[a-zA-Z0-9-]+$',",
      "                                  'type': ['string', 'null']},",
      "                    'tags': {'items': {'maxLength': 255,",
      "                                       'minLength': 1,",
      "                                       'pattern': '^[^,/]*$',",
      "                                       'type': 'string'},",
      "                             'maxItems': 80,",
      "                             'required': [],",
      "                             'type': 'array',",
      "                             'uniqueItems': True}},",
      "     'required': ['name'],",
      "     'type': 'object'}",
      '',
      'On instance:',
      '    {}',
    ].join('\n'),
  );
});
