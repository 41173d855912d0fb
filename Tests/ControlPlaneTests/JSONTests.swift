import APISchema
import Filesystem
import NIOHTTP1
import Primitives
import Synchronization
import Testing

@Suite struct JSONTests {
    static let good: [(String, JSON)] = [
        ("null", .null), (" true ", .bool(true)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
        ("18446744073709551615", .unsigned(.max)), ("1.5e3", .number(1500)), ("\"a\\n\\u00e9\\ud83d\\ude00\"", .string("a\né😀")),
        ("[]", .array([])), ("{\"a\":[1,{}]}", .object([JSONMember(name: "a", value: .array([.integer(1), .object([])]))])),
    ]

    @Test(arguments: good) func parses(_ text: String, _ expected: JSON) throws {
        #expect(try JSONParser.parse(Array(text.utf8)) == expected)
        let written = JSONWriter.text { $0.value(expected) }
        #expect(try JSONParser.parse(Array(written.utf8)) == expected)
    }

    @Test(arguments: [
        "", "{", "[1,", "{\"a\"}", "{a:1}", "tru", "01", "-", "1.", "+1", ".5", "1e999", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"", "[1] 2",
        "\"a",
        "[1,]", "{\"a\":1,}", String(repeating: "[", count: 40) + String(repeating: "]", count: 40), "\"\\u+123\"", "1-2", "1e", "--1",
    ]) func refuses(_ text: String) { #expect(throws: JSONError.self) { try JSONParser.parse(Array(text.utf8)) } }

    @Test func refusesBytesThatAreNoText() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xff, 0x22]) }
        #expect(throws: JSONError.self) { try JSONParser.parse(Array("[1,2,3]".utf8), valueLimit: 3) }
    }

    /// Any cut and any changed byte of a document is parsed or refused, and never traps.
    @Test func survivesDamage() {
        let text = Array(
            #"{"op":"open","path":"/aé","mode":"create","n":[1,-2.5e7,18446744073709551615,null,true],"s":"\u00e9\ud83d\ude00\\"}"#.utf8)
        var generator = SeededGenerator(seed: 7)
        for end in 0..<text.count { #expect(throws: JSONError.self) { try JSONParser.parse(Array(text[..<end])) } }
        for _ in 0..<5_000 {
            var damaged = text
            damaged[Int(generator.next() % UInt64(text.count))] = UInt8(truncatingIfNeeded: generator.next())
            _ = try? JSONParser.parse(damaged)
        }
    }

    @Test func base64() {
        for (bytes, text) in [([], ""), ([0x66], "Zg=="), ([0x66, 0x6f], "Zm8="), ([0x66, 0x6f, 0x6f], "Zm9v"), ([0xff, 0xfe], "//4=")]
            as [([UInt8], String)]
        {
            #expect(Base64.encode(bytes) == text)
            #expect(Base64.decode(text) == bytes)
        }
        #expect(Base64.decode("__4") == [0xff, 0xfe])
        for bad in ["Z", "Zg=", "Zh==", "=Zg=", "Zg===", "Z g="] { #expect(Base64.decode(bad) == nil, "\(bad)") }
    }

    @Test func percent() {
        #expect(PercentCoding.encode([0x61, 0x2f, 0xff, 0x20], keepSlash: true) == "a/%FF%20")
        #expect(PercentCoding.decode("a%2fb%FF") == [0x61, 0x2f, 0x62, 0xff])
        for bad in ["%", "%2", "%zz"] { #expect(PercentCoding.decode(bad) == nil) }
    }

    @Test func times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_265_286, "2026-11-21T12:48:06Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] as [(Int64, String)] {
            #expect(WallTime(nanoseconds: seconds * 1_000_000_000).rfc3339 == text)
        }
    }
}
