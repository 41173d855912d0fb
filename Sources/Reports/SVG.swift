/// Pieces of drawings.
enum SVG {
    /// A coordinate, to a tenth.
    static func number(_ value: Double) -> String { "\(Figure.rounded(value, 1))" }

    static func text(
        _ content: String, _ x: Double, _ y: Double, anchor: String, size: Int, weight: Int = 400, className: String = "",
        isHalo: Bool = false
    ) -> String {
        let halo = isHalo ? " stroke=\"var(--paper)\" stroke-width=\"4\" paint-order=\"stroke\" stroke-linejoin=\"round\"" : ""
        return
            "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" font-weight=\"\(weight)\" "
            + "class=\"\(className)\"\(halo)>\(HTMLReport.escape(content))</text>"
    }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, className: String, more: String = "") -> String {
        "<line class=\"\(className)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"\(more)/>"
    }
}
