@testset "code that is compiled for several frameworks in one process is loaded with them" begin
    push!(LOAD_PATH, joinpath(pkgdir(TwinBench), "together"))
    TwinBench.load_together()
    pop!(LOAD_PATH)
    loaded = Set(id.name for id in keys(Base.loaded_modules))
    for (package, extensions) in TwinBench.TOGETHER
        @test package in loaded
        @test all(name -> !isnothing(Base.get_extension(TwinBench, name)), extensions)
    end
end
