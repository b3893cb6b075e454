// Everything this page says, in Vietnamese and English. Product texts come from the catalogue.

const TEXTS = {
  vi: {
    about: "Cửa hàng mẫu: mọi sản phẩm và người mua đều do máy tạo ra. Trang này chỉ dùng API công khai.",
    add: "Thêm vào giỏ",
    added: "Đã thêm {title} vào giỏ.",
    all: "Tất cả sản phẩm",
    anyCategory: "Tất cả danh mục",
    attributes: "Thông tin",
    brand: "Thương hiệu",
    buy: "Đặt hàng thử",
    bought: "Cảm ơn bạn! Đơn hàng thử đã được ghi nhận.",
    cart: "Giỏ hàng",
    cartEmpty: "Giỏ hàng đang trống.",
    categories: "Danh mục",
    clear: "Bỏ lọc",
    color: "Màu",
    corrected: "Đang tìm “{words}”.",
    docs: "Tài liệu API",
    error: "Chưa tải được. {detail}",
    filters: "Bộ lọc",
    forYou: "Gợi ý cho bạn",
    forYouNew: "Được nhiều người chọn",
    forget: "Bắt đầu phiên mới",
    forgotten: "Đã bắt đầu phiên mới: gợi ý trở lại như cho khách lạ.",
    gender: "Dành cho",
    home: "Trang chủ",
    inStock: "Còn hàng",
    lastCalls: "Lần gọi gần nhất",
    loading: "Đang tải…",
    material: "Chất liệu",
    more: "Xem thêm {count} sản phẩm",
    next: "Xem tiếp",
    noPrice: "Liên hệ",
    none: "Không có sản phẩm nào khớp. Thử bớt một điều kiện lọc hoặc viết ngắn hơn.",
    notFound: "Không tìm thấy sản phẩm này.",
    occasion: "Dịp",
    offline: "Máy chủ của cửa hàng không trả lời.",
    previous: "Xem lại",
    price: "Giá",
    priceFrom: "Giá từ",
    priceTo: "đến",
    apply: "Áp dụng",
    related: "Thường mua cùng",
    related_cart: "Có thể bạn cần thêm",
    remove: "Bỏ ra",
    results: "{count} sản phẩm",
    retry: "Thử lại",
    search: "Tìm sản phẩm",
    searchGo: "Tìm",
    searchHint: "Tìm balo, túi đeo chéo, giày nữ 38…",
    searchFor: "Kết quả cho “{query}”",
    showScores: "Hiện điểm số của gợi ý",
    similar: "Sản phẩm tương tự",
    size: "Cỡ",
    skip: "Đến nội dung chính",
    soldOut: "Hết hàng",
    sort: "Sắp xếp",
    sort_relevance: "Phù hợp nhất",
    sort_price_asc: "Giá thấp trước",
    sort_price_desc: "Giá cao trước",
    sort_newest: "Mới nhất",
    sort_best_selling: "Bán chạy",
    style: "Phong cách",
    suggestions: "Gợi ý tìm kiếm",
    tools: "Công cụ",
    total: "Tổng cộng",
    why: "Vì sao?",
  },
  en: {
    about: "A sample shop: all products and shoppers are made up. This page uses the public API alone.",
    add: "Add to cart",
    added: "{title} is in your cart.",
    all: "All products",
    anyCategory: "All categories",
    attributes: "Details",
    brand: "Brand",
    buy: "Place a test order",
    bought: "Thank you! Your test order was recorded.",
    cart: "Cart",
    cartEmpty: "Your cart is empty.",
    categories: "Categories",
    clear: "Clear filters",
    color: "Colour",
    corrected: "Searching for “{words}”.",
    docs: "API documentation",
    error: "This did not load. {detail}",
    filters: "Filters",
    forYou: "Picked for you",
    forYouNew: "Popular with others",
    forget: "Start a new session",
    forgotten: "New session: recommendations are those for a stranger again.",
    gender: "For",
    home: "Home",
    inStock: "In stock",
    lastCalls: "Latest call",
    loading: "Loading…",
    material: "Material",
    more: "Show {count} more",
    next: "Next",
    noPrice: "On request",
    none: "Nothing matches. Try fewer filters or shorter words.",
    notFound: "There is no such product.",
    occasion: "Occasion",
    offline: "The shop's server does not answer.",
    previous: "Previous",
    price: "Price",
    priceFrom: "Price from",
    priceTo: "to",
    apply: "Apply",
    related: "Often bought together",
    related_cart: "You may also need",
    remove: "Remove",
    results: "{count} products",
    retry: "Try again",
    search: "Search products",
    searchGo: "Search",
    searchHint: "Search backpacks, crossbody bags, giày nữ 38…",
    searchFor: "Results for “{query}”",
    showScores: "Show the scores behind recommendations",
    similar: "Similar products",
    size: "Size",
    skip: "Skip to content",
    soldOut: "Sold out",
    sort: "Sort",
    sort_relevance: "Most relevant",
    sort_price_asc: "Lowest price",
    sort_price_desc: "Highest price",
    sort_newest: "Newest",
    sort_best_selling: "Best selling",
    style: "Style",
    suggestions: "Search suggestions",
    tools: "Tools",
    total: "Total",
    why: "Why?",
  },
};

let current = sessionStorage.getItem("demo.locale") === "en" ? "en" : "vi";

export const locale = () => current;

export function setLocale(name) {
  current = name === "en" ? "en" : "vi";
  sessionStorage.setItem("demo.locale", current);
}

/** The text of a key with its `{values}` filled in. */
export function t(key, values = {}) {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Put the page's fixed texts into the current language. */
export function translatePage() {
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of document.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  }
  for (const element of document.querySelectorAll("[data-i18n-placeholder]")) {
    element.setAttribute("placeholder", t(element.dataset.i18nPlaceholder));
  }
  const other = document.getElementById("language");
  other.textContent = current === "vi" ? "English" : "Tiếng Việt";
  other.lang = current === "vi" ? "en" : "vi";
}

export function money(amount, currency) {
  if (amount === null || amount === undefined) return t("noPrice");
  return new Intl.NumberFormat(current === "vi" ? "vi-VN" : "en-GB", { style: "currency", currency }).format(amount);
}

export const count = (number) => new Intl.NumberFormat(current === "vi" ? "vi-VN" : "en-GB").format(number);

/** A product's title in the language of the page, as far as the shop has it. */
export const titleOf = (item) => (current === "en" && item.title_en ? item.title_en : item.title);
