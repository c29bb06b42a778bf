# The same behaviours as tests/worker/test_measure.py.

"""A call that waits for so long and counts how often it was made."""
mutable struct Waiting
    microseconds::Float64
    made::Int
end

function (waiting::Waiting)()
    waiting.made += 1
    return TwinBench.Probe.spin((; microseconds = waiting.microseconds))
end

spinning(microseconds) = TwinBench.Call(TwinBench.Probe.spin, (; microseconds), ())

@testset "measurement protocol" begin
    @testset "calibration finds the least power of two that fills a sample" begin
        # 0.8 ms are too short; other work on the machine can end a try early, but not every one of them.
        @test any(_ -> TwinBench.calibrate(spinning(100.0)) == 16, 1:20)
        @test TwinBench.calibrate(spinning(2000.0)) == 1
    end

    @testset "a disturbed reading does not end the calibration" begin
        calls = Ref(0)
        disturbed = () -> spinning((calls[] += 1) == 2 ? 5000.0 : 1.0)()
        @test TwinBench.calibrate(disturbed) > 16
    end

    @testset "what is very long is calibrated by a single call" begin
        calls = Ref(0)
        @test TwinBench.calibrate(() -> (calls[] += 1; spinning(TwinBench.CERTAIN_NS / 1000)())) == 1
        @test calls[] == 1
    end

    @testset "times are per evaluation" begin
        timing = TwinBench.timed(spinning(1000.0), 4)
        @test timing.evals == 4
        @test 1_000_000 <= timing.wall_ns < 100_000_000
        @test 0 < timing.cpu_ns
    end

    @testset "a sample waits for the device at both ends and not in between" begin
        seen = String[]
        TwinBench.wait_for(() -> push!(seen, "wait"))
        TwinBench.timed(() -> push!(seen, "call"), 3)
        empty!(TwinBench.WAITS)
        @test seen == ["wait", "call", "call", "call", "wait"]
    end

    @testset "the first call's result is kept" begin
        waiting = Waiting(1.0, 0)
        timing, result = TwinBench.first_call(waiting)
        @test waiting.made == 1
        @test timing.evals == 1
        @test result === TwinBench.Probe.RESULT
    end

    @testset "the first call's time holds its compilation" begin
        fresh = eval(:(() -> sum(sin(i)^3 + cos(2i) for i in 1:3)))
        timing, _ = TwinBench.first_call(fresh)
        @test timing.wall_ns > 100 * TwinBench.timed(fresh, 100).wall_ns
    end

    @testset "a burst has its minimum count even without time" begin
        waiting = Waiting(10.0, 0)
        @test length(TwinBench.burst(waiting, 1, 7, 0)) == 7
        @test waiting.made >= 7
    end

    @testset "a burst goes on until its time is up" begin
        timings = TwinBench.burst(spinning(1000.0), 1, 1, 20_000_000)
        @test length(timings) > 1
        @test sum(timing.wall_ns for timing in timings) >= 20_000_000
    end

    @testset "what a stop leaves cold is discarded where it weighs" begin
        for (microseconds, discarded) in ((6000.0, 1), (TwinBench.CERTAIN_NS / 1000, 0))
            waiting = Waiting(microseconds, 0)
            @test length(TwinBench.burst(waiting, 1, 3, 0)) == 3
            @test waiting.made == 3 + discarded
        end
        waiting = Waiting(1000.0, 0)
        TwinBench.burst(waiting, 1, 3, 0)
        @test 4 <= waiting.made <= 8 # other work on the machine can make the discarded samples fewer
    end

    @testset "a burst leaves the collector as it is in a loop" begin
        before = Base.gc_num().pause
        TwinBench.burst(spinning(1000.0), 1, 3, 0)
        @test Base.gc_num().pause == before
    end

    @testset "collection stays enabled while timing, and its time is recorded" begin
        littering() = [zeros(100) for _ in 1:100_000]
        timings = TwinBench.burst(littering, 1, 20, 0)
        @test any(timing.gc_ns > 0 for timing in timings)
        @test all(timing.gc_ns <= timing.wall_ns for timing in timings)
    end

    @testset "the timed loop doesn't allocate by itself" begin
        call = TwinBench.Call(TwinBench.Probe.noop, (;), ())
        TwinBench.timed(call, 1000)
        @test @allocated(TwinBench.timed(call, 1000)) < 1000
    end

    @testset "the kernel is inferred for its call" begin
        @inferred TwinBench.timed(spinning(1.0), 1)
        @inferred TwinBench.calibrate(spinning(1.0))
        @inferred TwinBench.burst(spinning(1.0), 1, 1, 0)
        @inferred TwinBench.warm_up(spinning(1.0), 1, 0)
        @inferred TwinBench.warm_again(spinning(1.0), 1, 0.0, 0)
    end

    @testset "timings travel as columns" begin
        timing = TwinBench.Timing(1.0, 2.0, 3.0, 4)
        @test TwinBench.flat([timing, timing]) == [1 1; 2 2; 3 3; 4 4]
        @test TwinBench.flat(timing) == [1; 2; 3; 4;;]
    end
end
