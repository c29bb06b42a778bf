const Cepstra = TwinBench.FRAMEWORKS["MFCC.jl"]

@testset "MFCC.jl" begin
    p = (rate_hz = 1000.0, frame = 64, hop = 20, bands = 6, coefficients = 4)
    arrays = (x = [sin(n^2 / 7 + record) for n in 1:300, record in 1:2], y = [3, 4])

    @testset "a record has the same coefficients in a batch and alone" begin
        together = Cepstra.mfcc(p, arrays)
        @test size(together.x) == (4, 12, 2)
        @test together.y === arrays.y
        @test together.x[:, :, 2:2] ≈ Cepstra.mfcc(p, (; x = arrays.x[:, 2:2])).x
    end

    @testset "louder sound has another first coefficient, and no other one but for the floor" begin
        quiet, loud = Cepstra.mfcc(p, arrays).x, Cepstra.mfcc(p, (; x = 10 .* arrays.x)).x
        @test loud[1, :, :] ≈ quiet[1, :, :] .+ sqrt(6) * log(100) rtol = 1.0e-4
        @test loud[2:end, :, :] ≈ quiet[2:end, :, :] atol = 1.0e-3
    end

    @testset "silence has finite ones" begin
        @test all(isfinite, Cepstra.mfcc(p, (; x = zeros(64, 1))).x)
    end
end
