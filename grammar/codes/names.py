"""Codes E02: names."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0201": Code(
        "unknown layer",
        "No layer, macro or network of this name is known here. Layer names do not depend on case.",
        "network M { input: (8) layers: Dens(3) }",
    ),
    "E0202": Code(
        "unknown activation, initializer, regularizer or constraint",
        "They have their Keras names, such as relu, gelu, softmax; glorot_uniform, zeros; l2; max_norm.",
        'network M { input: (8) layers: Dense(3, "reul") }',
    ),
    "E0203": Code(
        "unknown optimizer or schedule",
        "Optimizers and learning rate schedules have their Keras names, such as Adam, SGD, ExponentialDecay.",
        "network M { input: (8) layers: Dense(3) optimizer: Adma() }",
    ),
    "E0204": Code(
        "unknown loss",
        "Losses have their Keras names, such as mse, categorical_crossentropy.",
        'network M { input: (8) layers: Dense(3) loss: "msee" }',
    ),
    "E0205": Code(
        "unknown metric",
        "Metrics have their Keras names, such as accuracy.",
        'network M { input: (8) layers: Dense(3) metrics: ["acuracy"] }',
    ),
    "E0206": Code(
        "unknown clause",
        "A network holds input, layers, loss, optimizer, metrics, train, execution, weights, init, benchmark and test.",
        'network M { input: (8) layers: Dense(3) los: "mse" }',
    ),
    "E0207": Code(
        "no such network",
        "The file defines no network, several of which none was chosen, or none of the chosen name.",
        "define Block { Dense(3) }",
    ),
    "E0208": Code(
        "name defined twice",
        "Macros and networks of a file have distinct names, and so have the parameters of a macro and named layers.",
        "define A { Dense(3) } define A { Dense(4) } network M { input: (8) layers: A() }",
    ),
    "E0209": Code(
        "recursive macro",
        "A macro may use other macros, not itself, directly or through others. The note shows the circle.",
        "define A { B() } define B { A() } network M { input: (8) layers: A() }",
    ),
    "E0210": Code(
        "unknown device",
        "Devices are auto, cpu, cuda, gpu and tpu, with a number where there are several: cuda:1.",
        'network M { input: (8) layers: Dense(3) @ "npu" }',
    ),
    "E0211": Code(
        "unknown value",
        "A value is used by a name that no input, assignment or branch has given before this place. Macros do not see "
        "the names around them; give them what they need as an argument, or apply them to it.",
        "network M { input: (8) layers: a = Dense(3) Add(a, b) }",
    ),
    "E0212": Code(
        "number of names",
        "An assignment to several names needs a layer that gives as many values. `LSTM` gives its states as well with "
        "`return_state=true`.",
        "network M { input: (8) layers: a, b = Dense(3) Add(a, b) }",
    ),
    "E0213": Code(
        "imported name",
        "The imported file defines no macro and no network of this name.",
        '# file: model.nr\nfrom "blocks.nr" import Missing\nnetwork M { input: (8) layers: Dense(3) }\n'
        "# file: blocks.nr\ndefine Block { Dense(3) }",
    ),
    "E0214": Code(
        "circle of imports",
        "A file imports itself, directly or through others. The note shows the way round. Move what both need into a "
        "third file.",
        '# file: model.nr\nfrom "blocks.nr" import Block\nnetwork M { input: (8) layers: Block() }\n'
        '# file: blocks.nr\nfrom "model.nr" import M\ndefine Block { Dense(3) }',
    ),
    "E0215": Code(
        "import that cannot be read",
        "The imported file is missing or is not readable. Paths start at the folder of the file that imports.",
        'from "missing.nr" import Block\nnetwork M { input: (8) layers: Dense(3) }',
    ),
    "E0220": Code(
        "unknown callback",
        "Callbacks have their Keras names, such as EarlyStopping, ModelCheckpoint.",
        "network M { input: (8) layers: Dense(3) train { callbacks: [EarlyStoping()] } }",
    ),
}
