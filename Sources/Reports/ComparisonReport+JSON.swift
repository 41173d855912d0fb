package import Foundation

// `report.json`: schema 1, docs/reference/report.md.
extension ComparisonReport {
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    package init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(ComparisonReport.self, from: json)
        guard schema == Self.currentSchema else { throw UnknownSchema(schema: schema) }
    }

    package struct UnknownSchema: Error, CustomStringConvertible {
        package let schema: Int
        package var description: String {
            "report.json: schema \(schema) is not known; this program reads schema \(ComparisonReport.currentSchema)"
        }
    }
}
