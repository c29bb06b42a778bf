using ImageCore: Gray, N0f8, RGB, channelview, rawview

const Pictures = TwinBench.FRAMEWORKS["JuliaImages"]

"""A batch of one grey image, from its levels by rows."""
grey_batch(levels) = (; x = [Gray{N0f8}.(levels ./ 255)], y = [7])

"""The levels of the only image of a batch."""
levels_of(images) = Int.(rawview(channelview(only(images.x))))

@testset "JuliaImages" begin
    @testset "NumPy's bytes become images of (height, width), and images bytes" begin
        bytes = reshape(UInt8.(1:12), 3, 2, 2) # width 3, height 2, two images
        images = Pictures.images((; x = bytes, y = [4, 5]))
        @test images.x isa Vector{Matrix{Gray{N0f8}}}
        @test images.y == [4, 5]
        @test Int.(rawview(channelview(images.x[1]))) == [1 2 3; 4 5 6]
        @test TwinBench.neutral(images)[1] == ("x" => bytes)
    end

    @testset "colours stay together" begin
        bytes = reshape(UInt8.(1:18), 3, 3, 2, 1) # RGB, width 3, height 2
        images = Pictures.images((; x = bytes))
        @test images.x isa Vector{Matrix{RGB{N0f8}}}
        @test images.x[1][1, 2] == RGB(reinterpret.(N0f8, UInt8.((4, 5, 6)))...)
        @test TwinBench.neutral(images)[1] == ("x" => bytes)
    end

    @testset "no images are no images" begin
        for x in (zeros(UInt8, 5, 4, 0), zeros(UInt8, 3, 5, 4, 0))
            images = Pictures.images((; x))
            resized = Pictures.resize((height = 2, width = 3), images)
            @test TwinBench.plain(resized.x) isa Array{UInt8}
            @test isempty(TwinBench.plain(resized.x))
        end
    end

    @testset "a positive angle turns counter-clockwise, and labels pass on" begin
        turned = Pictures.rotate((degrees = 90.0, fill = 0), grey_batch([10 20 30; 40 50 60; 70 80 90]))
        @test maximum(abs, levels_of(turned) - [30 60 90; 20 50 80; 10 40 70]) <= 1
        @test turned.y == [7]
    end

    @testset "edges fade into the fill" begin
        moved = Pictures.affine((matrix = [1.0, 0, 0.25, 0, 1, 0], fill = 0), grey_batch([100 200; 100 200]))
        @test levels_of(moved) == [125 150; 125 150]
    end

    @testset "windows larger than the image see its border repeated" begin
        @test levels_of(Pictures.median((; size = 5), grey_batch([1 9 1]))) == [1 1 1]
        @test levels_of(Pictures.sobel((;), grey_batch([0 80 80]))) == [57 57 0]
        @test levels_of(Pictures.opening((; size = 5), grey_batch([255 255]))) == [255 255]
    end

    @testset "a single pixel can be resized" begin
        @test levels_of(Pictures.resize((height = 2, width = 3), grey_batch([9;;]))) == fill(9, 2, 3)
    end

    @testset "an image of one value is black, and stays as it is when it is equalised" begin
        @test levels_of(Pictures.otsu((;), grey_batch([9 9]))) == [0 0]
        @test levels_of(Pictures.equalise((;), grey_batch([9 9]))) == [9 9]
    end

    @testset "labels are those of rows and columns, in NumPy's order" begin
        found = Pictures.components((; connectivity = 4), grey_batch([1 0 1; 1 0 0]))
        @test found.count == [2]
        @test size(found.labels) == (3, 2, 1)
        @test eltype(found.labels) == Int32
        @test (found.labels .> 0)[:, :, 1] == [1 1; 0 0; 1 0]
    end

    @testset "normalised colours keep their order" begin
        images = Pictures.images((; x = reshape(UInt8[0, 51, 255], 3, 1, 1, 1)))
        x = Pictures.normalise((mean = [0.0, 0.2, 0.5], sd = [1.0, 1.0, 0.25]), images).x
        @test eltype(x) == Float32
        @test vec(x) ≈ [0, 0, 2] atol = 1.0e-6
    end

    @testset "crop, then flip, then brighten" begin
        given = (top = [1], left = [0], flip = UInt8[1], factor = [1.5])
        out = Pictures.augment((height = 2, width = 2), grey_batch([1 2 3; 4 6 6; 100 180 9]), given)
        @test levels_of(out) == [9 6; 255 150]
    end

    @testset "inputs stay as they were" begin
        images = grey_batch([10 200 30; 40 50 250; 70 80 90])
        before = deepcopy(images)
        for (op, p) in (
                (Pictures.resize, (height = 5, width = 2)),
                (Pictures.rotate, (degrees = 10.0, fill = 3)),
                (Pictures.gaussian_blur, (sigma = 1.0, radius = 3)),
                (Pictures.median, (; size = 3)),
                (Pictures.sobel, (;)),
                (Pictures.otsu, (;)),
                (Pictures.equalise, (;)),
                (Pictures.opening, (; size = 3)),
            )
            op(p, images)
            @test images == before
        end
    end

    @testset "an op is inferred" begin
        images = grey_batch([10 200; 40 50])
        @inferred Pictures.pictures(zeros(UInt8, 3, 2, 1))
        @inferred Pictures.levels(Gray{Float32}[0 1; 1 0])
        @inferred TwinBench.plain(images.x)
    end
end
