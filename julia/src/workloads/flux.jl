"""
    exercise(framework::Module)

Use the ops of Flux on small networks of every kind, so that what they need is compiled.
"""
function exercise(framework::Module)
    adam = (name = "adam", lr = 1.0e-3, beta1 = 0.9, beta2 = 0.999, eps = 1.0e-8)
    sgd = (name = "sgd", lr = 1.0e-2, momentum = 0.9, nesterov = false)
    table = (x = rand(3, 4), y = [0, 1, 2, 0], test = UInt8[0, 0, 1, 0])
    rows = (train = [0, 1, 3], test = [2])
    y = ones(Float32, 3)
    fill32(n...) = ones(Float32, n...)
    dense(inputs, outputs) = (w1 = fill32(outputs, inputs), b1 = fill32(outputs))
    deep = (w1 = fill32(2, 3), b1 = fill32(2), w2 = fill32(2, 2), b2 = fill32(2), w3 = fill32(1, 2), b3 = fill32(1))
    image = (conv1_w = fill32(3, 3, 1, 2), conv1_b = fill32(2))
    images = (; image..., conv2_w = fill32(3, 3, 2, 2), conv2_b = fill32(2))
    series = (conv1_w = fill32(3, 1, 2), conv1_b = fill32(2))
    cells = (lstm_wx = fill32(8, 1), lstm_wh = fill32(8, 2), lstm_b = fill32(8))
    head = (w2 = fill32(3, 2), b2 = fill32(3))
    networks = (
        ((3,), deep, 2, adam),
        ((3,), deep, 2, sgd),
        ((3,), (; deep..., w3 = fill32(3, 2), b3 = fill32(3)), 3, adam),
        ((4, 4), (; images..., dense(2, 2)..., head...), 3, adam),
        ((4, 4), (; image..., dense(8, 3)...), 3, adam),
        ((4,), (; series..., dense(4, 3)...), 3, adam),
        ((4,), (; cells..., dense(2, 3)...), 3, adam),
        ((4,), (; cells..., dense(2, 1)...), 2, adam),
    )
    framework.split((; flatten = true), framework.standardise((;), table), rows)
    framework.kfold((; folds = 2), table, (; order = [1, 0, 2, 3]))
    for (shape, start, classes, optimizer) in networks
        p = (; classes, epochs = 1, batch_size = 2, optimizer)
        given = (; input = collect(reverse(shape)), start..., order = [0; 1; 2;;])
        x = fill32(reverse(shape)..., 3)
        arrays = (x_train = x, y_train = y, x_test = x, y_test = y)
        trained = framework.train(p, arrays, given)
        TwinBench.neutral(framework.predict((; batch_size = 2, rows = 0), trained, arrays))
        TwinBench.neutral(trained)
        TwinBench.facts(trained)
        saved = framework.save((;), trained)
        TwinBench.neutral(saved)
        TwinBench.neutral(framework.load((;), saved))
        rm(saved.path)
    end
    return nothing
end
