@testset "Aqua finds nothing" begin
    # The check for persistent tasks builds a package that depends on this one, which needs a registry.
    Aqua.test_all(TwinBench; persistent_tasks = false)
end
