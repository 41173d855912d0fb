import Primitives
import Testing

@Suite struct IdentifierTests {
    @Test func base62RoundTrips() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<1_000 {
            let id = FilesystemID(kind: .volume, high: generator.next(), low: generator.next())
            #expect(id.description.hasPrefix("vo-"))
            #expect(id.description.count == 25)
            #expect(FilesystemID(id.description) == id)
        }
        #expect(FilesystemID("sv-short") == nil)
        #expect(FilesystemID("sv-zzzzzzzzzzzzzzzzzzzzzz") == nil, "more than 128 bits")
    }

    @Test func digestIsSHA256() {
        // FIPS 180-4, the example "abc" and the empty message.
        #expect(SHA256.hash(Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA256.hash([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func xdrRefusesWhatCannotBe() throws {
        var writer = XDRWriter()
        writer.write(UInt32(1_000_000))
        #expect(throws: XDRError.truncated(needed: 4_000_000, remaining: 0)) {
            var reader = XDRReader(writer.bytes)
            _ = try reader.array(NodeID.self)
        }
        var reader = XDRReader([0, 0, 0, 1, 65, 1, 0, 0])
        #expect(throws: XDRError.badPadding) { _ = try reader.opaque() }
    }
}
