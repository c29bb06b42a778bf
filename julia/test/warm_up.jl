# The same behaviours as tests/worker/test_warm_up.py; how often each is found is simulated there.

"""A call whose first `high` executions take longer, by a factor."""
mutable struct Stepping
    high::Int
    factor::Float64
    made::Int
end

function (stepping::Stepping)()
    stepping.made += 1
    return TwinBench.Probe.spin((; microseconds = stepping.made <= stepping.high ? 1000 * stepping.factor : 1000.0))
end

littering() = [zeros(100) for _ in 1:10_000]

const NOISE = [0.01 * sin(37.0 * i^2) for i in 1:600]

@testset "warm-up" begin
    @testset "a change of level is seen in either direction, and level times are settled" begin
        for (at, factor, trend) in ((8, 1.1, "faster"), (8, 0.9, "slower"), (8, 1.0, "settled"), (0, 1.1, "settled"))
            times = [(i <= 32 + at ? factor : 1.0) * exp(NOISE[i]) for i in 1:64]
            @test TwinBench.trend(times) == trend
        end
    end

    @testset "the time to the level is told, in either direction" begin
        for (high, factor, samples) in ((0, 1.0, 0), (1, 2.0, 1), (4, 0.7, 4), (15, 1.2, 16), (16, 1.2, 16))
            @test TwinBench.samples_to_level([(i <= high ? factor : 1.0) * exp(NOISE[i]) for i in 1:64]) == samples
        end
        @test TwinBench.samples_to_level([1.0]) == 0
    end

    @testset "a later process warms up for the given time, and watches the collector where it is asked to" begin
        brief = TwinBench.warm_again(spinning(1000.0), 1, 0, 0)
        @test (brief.discarded, brief.collector_ns) == (1, nothing)
        longer = TwinBench.warm_again(spinning(1000.0), 1, 5.0e6, 0)
        @test 1 < longer.discarded <= 5
        @test TwinBench.warm_again(littering, 1, 5.0e7, 0).collector_ns === nothing
        @test 1.0e6 <= longer.usual_ns
        watched = TwinBench.warm_again(littering, 1, 0, 1_000_000_000)
        @test watched.discarded >= TwinBench.LEAST_SAMPLES
        @test watched.collector_ns !== nothing
        @test watched.collections >= TwinBench.FEW_COLLECTIONS
    end

    @testset "ramps are seen, and a change below one percent is settled" begin
        for count in (10, 64, 512)
            @test TwinBench.trend([exp(NOISE[i] / 2) * (1 + i / count) for i in 1:count]) == "slower"
            @test TwinBench.trend([exp(NOISE[i] / 2) * (3 - i / count) for i in 1:count]) == "faster"
            @test TwinBench.trend(collect(range(1.0, 1.009, count))) == "settled"
        end
        @test TwinBench.trend(collect(9.0:-1:1)) == "short"
    end

    @testset "rises and falls are found alike" begin
        for values in (
                [1.0, 2, 1, 2, 1, 2, 1, 2, 1, 2],
                fill(1.0, 10),
                collect(1.0:12),
                [NOISE[1:20]; NOISE[1:12] .- 1],
            )
            @test TwinBench.change_point(values) == TwinBench.change_point(-values)
        end
        @test TwinBench.change_point(collect(1.0:12)) == 6
        @test TwinBench.change_point(fill(1.0, 10)) === nothing
    end

    @testset "a late change of level is waited for" begin
        # Other work on the machine can hide the change in one try, but not in every one of them.
        waited(_) = TwinBench.warm_up(Stepping(40, 2.0, 0), 1, 20_000_000_000).discarded > TwinBench.FIRST_LOOK
        @test any(waited, 1:5)
    end

    @testset "warm-up ends at its limit, after one sample at least" begin
        warm = TwinBench.warm_up(spinning(1000.0), 1, 0)
        @test (warm.discarded, warm.trend, warm.collector_ns, warm.level_ns) == (1, "short", nothing, 0)
    end

    @testset "the collector's time is the mean over whole cycles" begin
        for (rarely, phase) in ((1, 0), (7, 3), (40, 39))
            pauses = [(i + phase) % rarely == 0 ? 1.0e6 : 0.0 for i in 1:(5 * rarely + 10)]
            timings = [TwinBench.Timing(1.0e6 + pause, 1.0e6 + pause, pause, 1) for pause in pauses]
            @test TwinBench.collector_ns(timings, 0) ≈ 1.0e6 / rarely
            cold = [TwinBench.Timing(t.wall_ns, t.cpu_ns + t.gc_ns, t.gc_ns, 1) for t in timings]
            @test TwinBench.collector_ns(cold, 0) ≈ (rarely == 1 ? 1 : 2) * 1.0e6 / rarely
        end
    end

    @testset "the collector's time is never negative, where some samples are much faster than the median" begin
        for start in 1:200
            times = [1.0e6 * (1 - 0.9 * abs(sin(37.0 * (start + i)^2))^4) for i in 1:60]
            timings = [TwinBench.Timing(t, t, i % 5 == 0 ? 0.1 * t : 0.0, 1) for (i, t) in enumerate(times)]
            @test TwinBench.collector_ns(timings, 0) >= 0
        end
    end

    @testset "pages that are handed out between collections are in the collector's time" begin
        for (rarely, every) in ((4, 2), (7, 3), (40, 2))
            timings = map(1:(60 * every * rarely + 1)) do i
                pause = i % rarely == 1 ? 1.0e6 : 0.0
                time = 1.0e6 + pause + (pause == 0 && i % (2 * every) == 2 ? 3.0e5 : 0.0)
                TwinBench.Timing(time, time, pause, 1)
            end
            loop = sum(t.cpu_ns for t in timings[2:end]) / (length(timings) - 1)
            @test 1.0e6 + TwinBench.collector_ns(timings, 0) ≈ loop
        end
    end

    @testset "a spike of the machine is not the collector's time" begin
        for rarely in (1, 7, 40)
            timings = map(1:(10 * rarely + 200)) do i
                pause = i % rarely == 1 % rarely ? 1.0e6 : 0.0
                time = 1.0e6 + pause + (i in (103, 152) ? 5.0e8 : 0.0)
                TwinBench.Timing(time, time, pause, 1)
            end
            @test TwinBench.collector_ns(timings, 0) ≈ 1.0e6 / rarely rtol = 0.05
        end
    end

    @testset "without whole cycles, bytes cost what they cost in other warm-ups" begin
        kept = copy(TwinBench.COLLECTED)
        TwinBench.COLLECTED .= (3.0e6, 1.0e8)
        @test TwinBench.collector_ns(fill(TwinBench.Timing(1.0e6, 1.0e6, 0.0, 1), 10), 1000) ≈ 30.0
        TwinBench.COLLECTED .= kept
    end

    @testset "calls that pay the collector themselves have no account" begin
        timing = TwinBench.Timing(2.0e8, 2.0e8, 1.0e7, 1)
        @test TwinBench.collector_ns(fill(timing, TwinBench.LEAST_SAMPLES - 1), 0) === nothing
        @test TwinBench.collector_ns(fill(timing, TwinBench.LEAST_SAMPLES), 0) ≈ 1.0e7
    end

    @testset "where the collector runs, its time is known and the bytes are counted" begin
        warm = TwinBench.warm_up(littering, 1, 1_000_000_000)
        @test warm.collections >= TwinBench.FEW_COLLECTIONS
        @test warm.collector_ns > 0
        @test 8.0e6 < warm.allocated_bytes < 2.0e7
        @test TwinBench.warm_up(spinning(1000.0), 1, 300_000_000).allocated_bytes < 1000
    end

    @testset "the accounted time is a bare loop's" begin
        # CPU time within 10 %. Other work on the machine can spoil a try, but not make a wrong account right.
        near(_) = begin
            warm = TwinBench.warm_up(littering, 1, 1_000_000_000)
            steady = sort([t.cpu_ns - t.gc_ns + warm.collector_ns for t in TwinBench.burst(littering, 1, 9, 0)])
            return abs(steady[5] / TwinBench.timed(littering, 200).cpu_ns - 1) < 0.1
        end
        @test any(near, 1:5)
    end
end
